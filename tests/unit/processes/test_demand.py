"""How many jobs are claimed. Times are the test's own."""

from __future__ import annotations

import pytest

from django_bgtasks.processes.demand import (
    BATCH,
    EVIDENCE,
    FIRST_PAUSE,
    LONGEST_PAUSE,
    MOST_WAITING,
    PATIENCE,
    PROBE,
    Demand,
    Pace,
)


def busy(places: int, seconds: float, clock: float = 0.0) -> Pace:
    """A pace of which it is known how long its jobs take."""
    pace = Pace(places)
    for _ in range(100):
        pace.ended(clock, seconds)
    return pace


def test_as_much_as_there_are_places_while_nothing_is_known() -> None:
    assert Pace(4).room(0, clock=0.0) == 4
    assert Pace(4).room(3, clock=0.0) == 1
    assert Pace(4).room(4, clock=0.0) == 0


@pytest.mark.parametrize(("seconds", "ahead"), [(0.1, 4), (0.01, 40), (1.0, 0)])
def test_as_much_ahead_as_begins_within_the_patience(
    seconds: float, ahead: int
) -> None:
    assert busy(4, seconds).room(0, clock=0.0) == 4 + ahead


def test_never_too_much_ahead() -> None:
    assert busy(4, 0.0).room(0, clock=0.0) == 4 + MOST_WAITING
    demand = Demand(4, 0)
    demand.threads.ended(0.0, 0.0)
    assert demand.wanted(0, 0, clock=0.0) == BATCH


def test_slow_job_counts_at_once_and_fast_ones_slowly() -> None:
    pace = busy(4, 0.001)
    pace.ended(0.0, 2.0)
    assert pace.room(0, clock=0.0) == 4
    pace.ended(0.0, 0.001)
    assert pace.room(0, clock=0.0) == 4
    for _ in range(60):
        pace.ended(0.0, 0.001)
    assert pace.room(0, clock=0.0) > 4


def test_nothing_ahead_while_nothing_ends() -> None:
    pace = busy(4, 0.001, clock=0.0)
    assert not pace.is_stalled(PATIENCE)
    assert pace.room(4, clock=PATIENCE) > 0
    assert pace.is_stalled(PATIENCE * 1.01)
    assert pace.room(4, clock=PATIENCE * 1.01) == 0
    assert pace.room(1, clock=PATIENCE * 1.01) == 3


def claims_of(demand: Demand, share: float, times: int) -> list[int]:
    """Claim so often, where a share of all jobs are coroutines, and none ends."""
    held, claimed = 0, []
    for _ in range(times):
        wanted = demand.wanted(0, held, clock=0.0)
        claimed.append(wanted)
        coroutines = int(wanted * share)
        demand.claimed(0, held, 0.0, sync=wanted - coroutines, coroutines=coroutines)
        held += coroutines
    return claimed


def test_all_room_is_claimed_for_once_several_coroutines_came_alone() -> None:
    assert claims_of(Demand(1, 1000), 1.0, 4) == [
        1,
        1 + EVIDENCE,
        BATCH,
        1 + 1000 - 510,
    ]
    assert claims_of(Demand(EVIDENCE, 100), 1.0, 2) == [EVIDENCE, 100]


def test_coroutines_among_others_are_claimed_for_as_they_come() -> None:
    assert claims_of(Demand(4, 1000), 0.5, 5) == [4, 8, 12, 16, 20]


def test_few_coroutines_are_no_evidence() -> None:
    demand = Demand(2, 1000)
    demand.claimed(0, 0, 0.0, sync=0, coroutines=EVIDENCE - 1)
    assert demand.wanted(0, EVIDENCE - 1, clock=0.0) == 2 + 2 * (EVIDENCE - 1)


def test_room_for_coroutines_shrinks_when_they_do_not_come() -> None:
    demand = Demand(2, 1000)
    demand.claimed(0, 0, 0.0, sync=1, coroutines=32)
    found = []
    for _ in range(8):
        found.append(demand.wanted(0, 0, clock=0.0))
        demand.claimed(0, 0, 0.0, sync=0, coroutines=0)
    assert found == [66, 34, 18, 10, 6, 4, 3, 2]


def test_no_more_coroutines_than_there_are_places() -> None:
    demand = Demand(2, 10)
    demand.claimed(0, 0, 0.0, sync=0, coroutines=8)
    assert demand.wanted(0, 8, clock=0.0) == 2 + 2


def test_full_threads_leave_a_chance_to_coroutines() -> None:
    demand = Demand(2, 100)
    assert demand.wanted(2, 0, clock=0.0) == PROBE
    assert demand.wanted(2, 0, clock=0.0, probe=False) == 0
    demand.claimed(2, 0, 0.0, sync=0, coroutines=5)
    assert demand.wanted(2, 5, clock=0.0) == 10


def test_full_event_loop_leaves_a_chance_to_threads() -> None:
    demand = Demand(2, 3)
    demand.claimed(0, 0, 0.0, sync=0, coroutines=3)
    assert demand.wanted(0, 3, clock=0.0) == 2
    demand.claimed(0, 3, 0.0, sync=2, coroutines=0)
    assert demand.wanted(0, 3, clock=0.0) == 2


def test_nothing_is_claimed_when_all_is_full() -> None:
    demand = Demand(2, 3)
    demand.claimed(0, 0, 0.0, sync=0, coroutines=3)
    assert demand.wanted(2, 3, clock=0.0) == 0


def test_what_is_claimed_in_vain_is_tried_ever_more_seldom() -> None:
    demand = Demand(2, 100)
    clock, pauses = 0.0, []
    for _ in range(7):
        assert demand.wanted(2, 0, clock) == PROBE
        demand.claimed(2, 0, clock, sync=PROBE, coroutines=0)
        assert demand.wanted(2, 0, clock) == 0
        start = clock
        while not demand.wanted(2, 0, clock):
            clock += 0.5
        pauses.append(clock - start)
    assert pauses == [FIRST_PAUSE, 2.0, 4.0, 8.0, LONGEST_PAUSE, LONGEST_PAUSE, 16.0]


def test_free_thread_is_served_although_the_last_claim_was_in_vain() -> None:
    demand = Demand(2, 100)
    demand.claimed(2, 0, 0.0, sync=PROBE, coroutines=0)
    assert demand.wanted(2, 0, clock=0.1) == 0
    assert demand.wanted(1, 0, clock=0.1) == 1


def test_useful_probe_is_repeated_soon() -> None:
    demand = Demand(2, 100)
    for clock in (0.0, 10.0, 20.0):
        demand.claimed(2, 0, clock, sync=PROBE, coroutines=0)
    demand.claimed(2, 0, 40.0, sync=1, coroutines=7)
    assert demand.wanted(2, 7, clock=40.0) == 0
    assert demand.wanted(2, 7, clock=40.0 + PATIENCE) > 0


def test_worker_without_coroutines_claims_for_its_threads_alone() -> None:
    demand = Demand(2, 0)
    assert demand.wanted(0, 0, clock=0.0) == 2
    demand.claimed(0, 0, 0.0, sync=2, coroutines=0)
    assert demand.wanted(1, 0, clock=0.0) == 1
    assert demand.wanted(2, 0, clock=0.0) == 0
