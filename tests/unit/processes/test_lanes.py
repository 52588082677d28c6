"""Where a worker looks next: everywhere in time, nowhere for too long."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import inf
from types import SimpleNamespace
from typing import Any

import pytest

from django_bgtasks.lifecycle.claim import SLACK
from django_bgtasks.processes.lanes import MOST_QUEUES, MOST_RANKS, SWEEP_EVERY, Lanes
from django_bgtasks.processes.patrol import Took
from django_bgtasks.vendors import Lane

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
QUICK, LONG = Took(0.001, 0, NOW), Took(0.1, 0, NOW)


def job(queue: str = "a", rank: int = 0, ready_at: datetime = NOW) -> Any:
    return SimpleNamespace(queue_name=queue, rank=rank, ready_at=ready_at)


def find(lanes: Lanes, *jobs: Any, limit: int = 10, clock: float = 0.0, took=QUICK):
    """Take a look that finds these jobs, and return its lanes."""
    looked = lanes.look(clock, limit)
    lanes.learn(jobs, limit, clock, took)
    return looked


def emptied(*names: str, **options: Any) -> Lanes:
    """Lanes that have just been swept in vain, after a job of each queue."""
    lanes = Lanes(names, **options)
    find(lanes, *(job(name) for name in names))
    assert lanes.due_in(0.0) == inf
    return lanes


def wary(*names: str) -> Lanes:
    """Lanes whose sweeps have taken long."""
    lanes = Lanes(names, lasting=True)
    for _ in range(3):
        lanes.stir()
        find(lanes, *(job(name) for name in names), took=LONG)
    return lanes


def test_first_look_is_at_all_of_every_queue():
    assert Lanes(["a", "b"]).look(0.0, 10) == [Lane("a"), Lane("b")]


def test_sweep_that_finds_less_than_wanted_is_the_last_look():
    lanes = Lanes(["a"])
    assert lanes.due_in(0.0) == 0
    find(lanes, job())
    assert lanes.due_in(0.0) == inf
    lanes.stir()
    assert lanes.due_in(0.0) == 0


def test_look_after_a_full_one_is_behind_its_last_job():
    lanes = Lanes(["a"])
    find(lanes, job(), limit=1)
    assert lanes.look(0.0, 1) == [Lane("a", 0, NOW - SLACK)]


def test_look_behind_the_floors_in_vain_is_followed_by_a_sweep():
    lanes = Lanes(["a"])
    find(lanes, job(), limit=1)
    find(lanes)
    assert lanes.due_in(0.0) == 0
    assert find(lanes) == [Lane("a")]
    assert lanes.due_in(0.0) == inf


def test_there_is_a_sweep_each_second_however_much_is_found():
    lanes = Lanes(["a"])
    find(lanes, job(), limit=1)
    assert find(lanes, job(), limit=1, clock=SWEEP_EVERY - 0.1) != [Lane("a")]
    assert find(lanes, job(), limit=1, clock=SWEEP_EVERY) == [Lane("a")]
    assert find(lanes, job(), limit=1, clock=SWEEP_EVERY + 0.1) != [Lane("a")]


def test_where_entries_last_a_look_leaves_no_rank_out():
    lanes = Lanes(["a"], lasting=True)
    find(lanes, job(rank=-5), job(rank=3), limit=2)
    floor = NOW - SLACK
    assert lanes.look(0.0, 1) == [
        Lane("a", last=-6),
        Lane("a", -5, floor, last=2),
        Lane("a", 3, floor, last=32_767),
    ]


def test_floor_rises_to_the_time_of_a_look_that_found_all():
    lanes = wary("a")
    later = NOW + timedelta(minutes=1)
    find(lanes, took=Took(0.001, 0, later))
    assert lanes.look(0.5, 1)[-1].floor == later - SLACK


def test_floor_does_not_rise_beyond_the_last_job_of_a_full_look():
    lanes = Lanes(["a"], lasting=True)
    find(lanes, job(), limit=1, took=Took(0.001, 0, NOW + timedelta(minutes=1)))
    assert lanes.look(0.5, 1)[-1].floor == NOW - SLACK


def test_only_so_many_ranks_are_remembered_and_the_last_ones():
    lanes = Lanes(["a"], lasting=True)
    ranks = range(MOST_RANKS + 3)
    find(lanes, *(job(rank=rank) for rank in ranks), limit=1)
    known = [lane.rank for lane in lanes.look(0.0, 1)]
    assert known == [None, *ranks[3:]]


def test_queues_take_turns_at_being_first():
    lanes = Lanes(["a", "b", "c"])
    firsts = []
    for _ in range(6):
        queue = lanes.look(0.0, 1)[0].queue
        lanes.learn([job(queue)], 1, 0.0, QUICK)
        firsts.append(queue)
    assert firsts == ["a", "b", "c"] * 2


def test_queues_with_many_jobs_share_a_look():
    lanes = Lanes(["a", "b", "c"])
    lanes.look(0.0, 9)
    assert lanes.share == 3
    lanes.learn([job(queue) for queue in "aaabbbc"], 9, 0.0, QUICK)
    lanes.look(0.0, 9)
    assert lanes.share == 5


def test_queues_that_a_full_look_did_not_reach_share_the_next():
    lanes = emptied("a", "b", "c")
    find(lanes, *[job("a")] * 9, limit=9)
    lanes.look(0.0, 9)
    assert lanes.share == 3


def test_only_queue_with_many_jobs_has_the_look_for_itself():
    lanes = emptied("a", "b", "c")
    find(lanes, *[job("b")] * 9, limit=9)
    for _ in range(4):
        find(lanes, *[job("b")] * 9, limit=9)
        lanes.look(0.0, 9)
        assert lanes.share == 9


def test_many_queues_are_looked_at_in_several_looks():
    names = [f"q{number}" for number in range(2 * MOST_QUEUES + 1)]
    lanes = Lanes(names)
    seen = []
    while lanes.due_in(0.0) == 0:
        seen += [lane.queue for lane in find(lanes)]
    assert seen[: len(names)] == names
    assert len(seen) == 3 * MOST_QUEUES


def test_queue_added_later_is_looked_at():
    lanes = emptied("a")
    lanes.serve(["a", "b"])
    assert lanes.due_in(0.0) == 0
    assert Lane("b") in lanes.look(0.0, 1)


def test_without_queues_nothing_is_due():
    lanes = Lanes([])
    lanes.stir()
    assert find(lanes) == []
    assert lanes.due_in(0.0) == inf


def test_one_long_sweep_is_an_accident():
    lanes = Lanes(["a"], lasting=True)
    for took in (LONG, LONG, QUICK) * 2:
        lanes.stir()
        assert find(lanes, job(), took=took) == [Lane("a")]


def test_sweeps_that_take_long_are_given_up():
    lanes = wary("a")
    lanes.stir()
    lanes.look(0.0, 10)
    lanes.learn([], 10, 0.0, QUICK)
    lanes.stir()
    behind = lanes.look(0.0, 10)
    assert Lane("a") not in behind
    assert behind[-2:] == [Lane("a", last=-1), Lane("a", 0, NOW - SLACK, 32_767)]


def test_sweeps_go_on_where_no_entries_last():
    lanes = Lanes(["a"])
    for _ in range(5):
        lanes.stir()
        assert find(lanes, job(), took=LONG) == [Lane("a")]


def test_all_time_before_the_floors_is_patrolled_without_gaps():
    lanes = wary("a")
    lanes.stir()
    clock, stretches = 0.0, []
    while lanes.due_in(clock) < inf:
        clock += lanes.due_in(clock)
        stretches += [lane for lane in find(lanes, clock=clock) if lane.ceiling]
    assert stretches[0].ceiling == NOW - SLACK
    for later, earlier in pairwise(stretches):
        assert earlier.ceiling == later.floor
    assert stretches[-1].floor == datetime(1970, 1, 1, tzinfo=UTC)


def test_patrol_rests_after_each_portion():
    lanes = wary("a")
    lanes.stir()
    find(lanes, took=Took(0.01, 0, NOW))
    assert lanes.due_in(0.0) == pytest.approx(0.21)
    lanes.stir()
    assert not any(lane.ceiling for lane in lanes.look(0.1, 1))
    assert any(lane.ceiling for lane in lanes.look(0.22, 1))


def test_look_that_waited_for_the_server_does_not_put_off_the_patrol():
    lanes = wary("a")
    lanes.stir()
    find(lanes, took=Took(3.0, 0, NOW))
    assert lanes.due_in(3.0) <= 5.0


def portion(lanes: Lanes, clock: float) -> Lane:
    return next(lane for lane in lanes.look(clock, 10) if lane.ceiling)


def test_portion_that_took_long_is_followed_by_a_shorter_one():
    lanes = wary("a")
    lanes.stir()
    first = portion(lanes, 0.0)
    lanes.learn([], 10, 0.0, LONG)
    second = portion(lanes, 10.0)
    lanes.learn([], 10, 10.0, QUICK)
    third = portion(lanes, 20.0)
    width = first.ceiling - first.floor
    assert second.ceiling - second.floor == width / 2
    assert third.ceiling - third.floor == width


def test_portion_with_more_than_was_wanted_is_walked_again():
    lanes = wary("a")
    lanes.stir()
    first = portion(lanes, 0.0)
    late = job(ready_at=first.floor + timedelta(microseconds=1))
    lanes.learn([late] * 10, 10, 0.0, QUICK)
    assert portion(lanes, 10.0).ceiling == first.ceiling


def test_sweeps_begin_again_once_they_would_be_quick():
    lanes = wary("a")
    clock = 0.0
    while find(lanes, clock=clock) != [Lane("a")]:
        lanes.stir()
        clock += 1.0
        assert clock < 1_000


def walked(lanes: Lanes, moment: datetime, clock: float, took: Took, rank: int) -> bool:
    """Take looks as an idle worker does, until one is at a moment of a queue."""
    for _ in range(500):
        lanes.stir()
        looked = find(lanes, clock=clock, took=took)
        for lane in looked:
            low = (lane.rank, lane.floor) if lane.floor else (-inf, NOW)
            end = inf if lane.end is None else lane.end
            high = (end, lane.ceiling or NOW + timedelta(days=1_000))
            if low < (rank, moment) <= high:
                return True
        clock += max(0.05, min(lanes.due_in(clock), 2.0))
        took = took._replace(began_at=NOW + timedelta(seconds=clock))
    return False


def test_patrol_arrives_however_far_away_the_database_is():
    lanes = wary("a")
    far = Took(0.03, 0, NOW)
    clock = 0.0
    for _ in range(100):
        lanes.stir()
        clock += max(lanes.due_in(clock), 0.1)
        find(lanes, clock=clock, took=far._replace(began_at=NOW))
    # A transaction that took ten seconds is committed only now.
    late = NOW - timedelta(seconds=10)
    assert walked(lanes, late, clock, far, rank=0)
    assert walked(lanes, NOW - timedelta(days=1), clock, far, rank=0)


def test_distance_to_the_database_does_not_speak_against_sweeps():
    lanes = wary("a")
    far, clock = Took(0.03, 0, NOW), 0.0
    while find(lanes, clock=clock, took=far) != [Lane("a")]:
        lanes.stir()
        clock += 0.7
        assert clock < 1_000
    for _ in range(10):
        lanes.stir()
        assert find(lanes, job(), clock=clock, took=far) == [Lane("a")]
        clock += 0.7


def test_backlog_before_the_floors_is_worked_off_in_order():
    """That of a queue that was paused, or that an operator moved."""
    lanes = wary("a")
    lanes.stir()
    first = portion(lanes, 0.0)
    inside = first.floor + timedelta(seconds=1)
    lanes.learn([job(ready_at=inside)] * 10, 10, 0.0, QUICK)
    portion(lanes, 10.0)
    lanes.learn([job(ready_at=inside)] * 10, 10, 10.0, QUICK)
    looked = lanes.look(10.0, 10)
    old = NOW - timedelta(days=30)
    assert not any(lane.ceiling for lane in looked)
    assert looked[-1].floor < old
    lanes.learn([job(ready_at=old)] * 10, 10, 10.0, QUICK)
    assert lanes.look(10.0, 10)[-1].floor == old - SLACK
    find(lanes, clock=10.1)
    assert lanes.look(10.2, 10)[-1].floor == NOW - SLACK
