"""A job that does not come to its end is missed, though rows are pruned."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from .count import Ends, count, waits

pytestmark = pytest.mark.once

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def began(job: str, attempt: int = 1, **more: Any) -> dict[str, Any]:
    return {"what": "began", "job": job, "attempt": attempt, "at": 1.0, **more}


def told(what: str, *jobs: str) -> dict[str, Any]:
    return {"what": what, "jobs": list(jobs), "at": 1.0}


def ends(*jobs: str, due: tuple[int, ...] = ()) -> Ends:
    moments = {NOON + timedelta(seconds=second) for second in due}
    return Ends(dict.fromkeys(jobs, "succeeded"), defaultdict(set, {1: moments}))


def test_order_is_no_problem() -> None:
    lines = [told("committed", "a", "b"), began("a"), began("a", 2), began("b")]
    lines.append(told("rolled back", "c"))
    found = count(lines, ends("a", "b", due=(0, 1, 2, 3)))
    assert found.problems == []
    assert (found.enqueued, found.attempts) == (2, 3)


def test_committed_job_that_was_not_seen_to_end_is_lost() -> None:
    assert count([told("committed", "a")], ends()).problems == ["a was lost"]
    assert count([told("committed", "a"), began("a")], ends()).problems


def test_job_of_a_schedule_that_was_not_seen_to_end_is_lost() -> None:
    seen = ends()
    seen.scheduled.add("a")
    assert count([], seen).problems == ["a was lost"]


def test_job_that_leaves_nothing_has_ended_when_it_has_begun() -> None:
    lines = [told("committed", "a"), began("a", leaves_nothing=True)]
    assert count(lines, ends()).problems == []


def test_attempt_that_ran_twice_is_found_out() -> None:
    lines = [told("committed", "a"), began("a"), began("a")]
    assert count(lines, ends("a")).problems == ["a ran attempt 1 2 times"]


def test_job_that_was_rolled_back_and_ran_is_found_out() -> None:
    lines = [told("rolled back", "a"), began("a")]
    assert count(lines, ends("a")).problems == ["a was rolled back"]


def test_due_moment_without_a_tick_is_found_out() -> None:
    (problem,) = count([], ends(due=(0, 1, 2, 4, 5))).problems
    assert "no tick for 0:00:02" in problem


def test_waits_are_told_piece_by_piece() -> None:
    lines = [
        {"what": "began", "late": late / 1000, "at": 100.0 + minute * 60}
        for minute in range(3)
        for late in range(1, 101)
    ]
    found = waits(lines, began=100.0, piece=60.0)
    assert [value for _, value in found["wait p50: jobs"]] == [50.5] * 3
    assert all(98 < value <= 100 for _, value in found["wait p99: jobs"])


def test_piece_with_few_waits_is_left_out() -> None:
    lines = [{"what": "began", "late": 0.1, "at": 1.0}]
    assert waits(lines, began=0.0, piece=60.0)["wait p50: jobs"] == []
