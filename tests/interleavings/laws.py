"""What holds of the tables at every moment, whoever was killed."""

from __future__ import annotations

from collections import defaultdict
from uuid import UUID

from django_bgtasks.models import Attempt, Failure, FinishedJob, JobLog, JobProgress

from .world import places


def each_job_stands_in_one_place() -> None:
    """A body has one state, and a state has its body."""
    for key, rows in places().items():
        assert len(rows) == 1, f"Job {key} stands in {rows or 'no place'}"


def attempts_are_counted_once() -> None:
    """The number that a job goes on with is one more than what was recorded."""
    recorded: dict[UUID, list[int]] = defaultdict(list)
    for key, number in Attempt.objects.values_list("job_id", "attempt"):
        recorded[key].append(number)
    for key, rows in places().items():
        for place in rows:
            numbers = sorted(recorded[key])
            assert numbers == list(range(1, len(numbers) + 1)), f"{key}: {numbers}"
            allowed = {len(numbers) + 1}
            if place.table == "FinishedJob":
                allowed.add(len(numbers))
            assert place.attempt in allowed, f"{key}: {place} after {numbers}"


def an_end_is_that_of_its_attempt() -> None:
    """What was recorded of the attempt that finished a job agrees with its end."""
    recorded = {
        (key, number): outcome
        for key, number, outcome in Attempt.objects.values_list(
            "job_id", "attempt", "outcome"
        )
    }
    ends = FinishedJob.objects.exclude(outcome="cancelled")
    for key, number, outcome in ends.values_list("job_id", "attempt", "outcome"):
        known = recorded.get((key, number), outcome)
        assert known == outcome, f"{outcome}, though attempt {number} was {known}"


def nothing_is_left_of_what_is_gone() -> None:
    bodies = set(places())
    for model in (Attempt, Failure, JobLog, JobProgress):
        rest = set(model._default_manager.values_list("job_id", flat=True)) - bodies
        assert not rest, f"{model.__name__} of {rest}"


def failures_are_those_that_failed() -> None:
    """The table of failures says the same as that of finished jobs."""
    failed = FinishedJob.objects.filter(outcome__in=("failed", "lost", "expired"))
    assert set(Failure.objects.values_list("job_id", flat=True)) == set(
        failed.values_list("job_id", flat=True)
    )


LAWS = (
    each_job_stands_in_one_place,
    attempts_are_counted_once,
    an_end_is_that_of_its_attempt,
    nothing_is_left_of_what_is_gone,
    failures_are_those_that_failed,
)
