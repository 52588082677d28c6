"""Finish: write how attempts ended, each only if its job is still its own."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from ..models import (
    Attempt,
    DeferredJob,
    Failure,
    FinishedJob,
    Job,
    JobLog,
    ReadyJob,
    RunningJob,
    belongings_of,
    table_of,
)
from ..vendors import Insert, Swap, Vendor
from .outcome import CANCELLED, EXPIRED, FAILED, LOST, RELEASED, RETRY, Outcome

_FINISHED = (
    "job_id",
    "outcome",
    "attempt",
    "worker",
    "started_at",
    "finished_at",
    "return_value",
    "keep_until",
)
_ATTEMPT = (
    "job_id",
    "attempt",
    "outcome",
    "worker",
    "started_at",
    "finished_at",
    "exception_class_path",
    "traceback",
)
_FAILURE = ("job_id", "task_path", "exception_class_path", "failed_at")
_LOG = ("job_id", "attempt", "text", "left_out")
_READY = ("job_id", "queue_name", "rank", "attempt", "ready_at")
_DEFERRED = ("job_id", "queue_name", "rank", "attempt", "run_after")


def swap(vendor: Vendor, owner: int, worker: str, outcomes: Sequence[Outcome]) -> Swap:
    """Order the writing of outcomes: out of RunningJob, into what follows.

    The order is fenced by (job, attempt, process): of an attempt that is no
    longer the job's current one, nothing is written.
    """
    rows: dict[str, list[Any]] = defaultdict(list)
    unkept = []
    for outcome in outcomes:
        job = outcome.job
        if outcome.kind == RELEASED:
            rows["back"].append(_ready_row(vendor, job, job.attempt, job.ready_at))
            continue
        if outcome.kind == RETRY:
            _retry_row(vendor, outcome, rows)
        elif outcome.keep == timedelta():
            unkept.append(job.id)
            continue
        else:
            rows["finished"].append(_finished_row(vendor, outcome, worker))
            if outcome.kind in (FAILED, LOST, EXPIRED):
                rows["failure"].append(_failure_row(vendor, outcome))
        if outcome.error is not None:
            rows["attempt"].append(_attempt_row(vendor, outcome, worker))
        if outcome.log is not None:
            rows["log"].append((job.id, job.attempt, *outcome.log))
    return Swap(
        table=table_of(RunningJob, vendor),
        owner=owner,
        rows=[(outcome.job.id, outcome.job.attempt) for outcome in outcomes],
        inserts=[
            Insert(table_of(model, vendor), columns, rows[name])
            for model, columns, name in (
                (FinishedJob, _FINISHED, "finished"),
                (Failure, _FAILURE, "failure"),
                (Attempt, _ATTEMPT, "attempt"),
                (JobLog, _LOG, "log"),
                (DeferredJob, _DEFERRED, "to"),
                (ReadyJob, _READY, "back"),
            )
            if rows[name]
        ],
        deletes=_deletes(vendor, unkept),
    )


def heed_cancellations(vendor: Vendor, owner: int, outcomes: Sequence[Outcome]) -> None:
    """Have those end as cancelled that were to run again, but were cancelled.

    Their rows are locked until the caller's transaction ends, so that nobody
    cancels one meanwhile in vain.
    """
    again = {each.job.id: each for each in outcomes if each.kind in (RETRY, RELEASED)}
    rows = vendor.lock(
        table_of(RunningJob, vendor), again, ("process_id", "cancel_requested")
    )
    for key, process, cancelled in rows:
        if cancelled and process == owner:
            outcome = again[key]
            outcome.kind, outcome.run_after = CANCELLED, None
            if outcome.ended is None:
                outcome.ended = vendor.now().timestamp()


def _finished_row(vendor: Vendor, outcome: Outcome, worker: str) -> tuple[Any, ...]:
    keep, keep_until = outcome.keep, None
    if keep is not None and outcome.ended is not None:
        keep_until = vendor.stamp(outcome.ended + keep.total_seconds())
    return (
        outcome.job.id,
        outcome.kind,
        outcome.job.attempt,
        worker,
        vendor.stamp(outcome.began),
        vendor.stamp(outcome.ended),
        outcome.return_value,
        keep_until,
    )


def _attempt_row(vendor: Vendor, outcome: Outcome, worker: str) -> tuple[Any, ...]:
    assert outcome.error is not None
    return (
        outcome.job.id,
        outcome.job.attempt,
        _recorded_as(outcome),
        worker,
        vendor.stamp(outcome.began),
        vendor.stamp(outcome.ended),
        outcome.error.exception_class_path,
        outcome.error.traceback,
    )


def _failure_row(vendor: Vendor, outcome: Outcome) -> tuple[Any, ...]:
    path = outcome.error.exception_class_path if outcome.error else ""
    failed_at = vendor.stamp(outcome.ended)
    return (outcome.job.id, outcome.job.task_path, path, failed_at)


def _retry_row(vendor: Vendor, outcome: Outcome, rows: dict[str, list[Any]]) -> None:
    job, due = outcome.job, outcome.run_after
    assert due is not None
    assert outcome.finished_at is not None
    target = "back" if due <= outcome.finished_at else "to"
    rows[target].append(_ready_row(vendor, job, job.attempt + 1, due))


def _ready_row(vendor: Vendor, job: Any, attempt: int, when: Any) -> tuple[Any, ...]:
    return (job.id, job.queue_name, job.rank, attempt, vendor.to_database(when))


def _deletes(vendor: Vendor, unkept: list[str]) -> list[Any]:
    if not unkept:
        return []
    tables = [*belongings_of(vendor), table_of(Job, vendor)]
    return [(table, unkept) for table in tables]


def forget(vendor: Vendor, owner: int, job_ids: Sequence[str]) -> None:
    """Take jobs that have no body out of RunningJob."""
    with vendor.atomic():
        table = table_of(RunningJob, vendor)
        rows = vendor.lock(table, job_ids, ("process_id",))
        vendor.delete(table, [key for key, process in rows if process == owner])


def written_before(
    alias: str, worker: str, outcomes: Sequence[Outcome]
) -> list[Outcome]:
    """Return those that this worker has written already, without knowing it.

    A rescue, too, records attempts in its name, but never how they ended here.
    """
    ids = [UUID(each.job.id) for each in outcomes]
    found: set[tuple[UUID, int, str]] = set()
    if ids:
        for model in (FinishedJob, Attempt):
            rows = model.objects.using(alias).filter(job_id__in=ids, worker=worker)
            found.update(rows.values_list("job_id", "attempt", "outcome"))
    return [
        each
        for each in outcomes
        if (UUID(each.job.id), each.job.attempt, _recorded_as(each)) in found
    ]


def _recorded_as(outcome: Outcome) -> str:
    return FAILED if outcome.kind == RETRY else outcome.kind
