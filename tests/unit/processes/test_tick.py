from __future__ import annotations

from django_bgtasks.processes.tick import Tick


def test_tick_comes_once_a_second():
    tick = Tick()
    clocks = [10.0, 10.5, 10.999, 11.0, 11.5, 12.1]
    assert [tick.is_due(clock, 0) for clock in clocks] == [
        *(True, False, False, True, False, True)
    ]


def test_tick_lets_what_was_just_claimed_begin_first():
    tick = Tick()
    assert not tick.is_due(10.0, 1)
    assert tick.is_due(10.001, 1)


def test_tick_is_put_off_only_once_however_much_is_claimed():
    tick = Tick()
    due = [tick.is_due(10.0 + number / 8, number + 1) for number in range(20)]
    assert [number for number, is_due in enumerate(due) if is_due] == [1, 10, 19]


def test_claims_before_the_tick_was_due_do_not_put_it_off():
    tick = Tick()
    assert tick.is_due(10.0, 0)
    assert not tick.is_due(10.5, 7)
    assert tick.is_due(11.0, 7)
