"""Result: read a job, wherever it stands, in one statement."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from operator import itemgetter
from typing import Any
from uuid import UUID

from .. import registry
from ..compat import TaskError, TaskResultDoesNotExist, TaskResultStatus
from ..exceptions import UnknownTask
from ..models import Job
from ..results import BgTaskResult, Progress
from ..sensitive import restored
from .outcome import SUCCEEDED

_BODY = (
    "task_path",
    "backend",
    "queue_name",
    "priority",
    "args",
    "kwargs",
    "metadata",
    "run_after",
    "enqueued_at",
    "schedule_id",
    "scheduled_for",
    "sensitive",
)
_STATE = (
    "ready__attempt",
    "deferred__run_after",
    "deferred__attempt",
    "running__attempt",
    "running__claimed_at",
    "running__cancel_requested",
    "running__process__name",
    "finished__outcome",
    "finished__attempt",
    "finished__worker",
    "finished__started_at",
    "finished__finished_at",
    "finished__return_value",
    "saved_progress__metadata",
    "saved_progress__done",
    "saved_progress__total",
)
_ERROR = "attempts__exception_class_path"
_ATTEMPT = (
    "attempts__attempt",
    "attempts__worker",
    "attempts__started_at",
    _ERROR,
    "attempts__traceback",
)


def get_result(
    alias: str, result_id: str, modules: tuple[str, ...] = ()
) -> BgTaskResult[Any, Any]:
    """Return the result of a job. Raise TaskResultDoesNotExist.

    One statement joins the body with the tables that may hold its state, so that
    a job which moves meanwhile is never missing.
    """
    job_id = _id(result_id)
    rows = list(
        Job.objects.using(alias)
        .filter(pk=job_id)
        .order_by("attempts__attempt")
        .values(*_BODY, *_STATE, *_ATTEMPT)
    )
    if not rows:
        raise TaskResultDoesNotExist(result_id)
    return _result(str(job_id), rows, modules)


def get_results(
    alias: str, modules: tuple[str, ...] = (), **which: Any
) -> list[BgTaskResult[Any, Any]]:
    """Return the results of the jobs that ``which`` filters, as they were enqueued."""
    rows = (
        Job.objects.using(alias)
        .filter(**which)
        .order_by("pk", "attempts__attempt")
        .values("pk", *_BODY, *_STATE, *_ATTEMPT)
    )
    return [
        _result(str(job_id), list(group), modules)
        for job_id, group in groupby(rows, key=itemgetter("pk"))
    ]


def _id(result_id: Any) -> UUID:
    if isinstance(result_id, UUID):
        return result_id
    try:
        return UUID(result_id)
    except (ValueError, AttributeError, TypeError):
        raise TaskResultDoesNotExist(result_id) from None


def _result(
    job_id: str, rows: list[dict[str, Any]], modules: tuple[str, ...]
) -> BgTaskResult[Any, Any]:
    row = rows[0]
    status, last, worker, started_at = _state(row)
    # A row written after this statement began belongs to a later state.
    past = [each for each in rows if (each["attempts__attempt"] or last + 1) <= last]
    starts = [each["attempts__started_at"] for each in past]
    workers = [each["attempts__worker"] for each in past if each["attempts__worker"]]
    if worker and not any(each["attempts__attempt"] == last for each in past):
        workers.append(worker)
        starts.append(started_at)
    starts = [start for start in starts if start is not None]
    saved = row["saved_progress__metadata"]
    result: BgTaskResult[Any, Any] = BgTaskResult(
        task=_task(row, modules),
        id=job_id,
        status=status,
        enqueued_at=row["enqueued_at"],
        started_at=starts[0] if starts else None,
        last_attempted_at=starts[-1] if starts else None,
        finished_at=row["finished__finished_at"],
        args=row["args"],
        kwargs=row["kwargs"],
        backend=row["backend"],
        errors=[_error(each) for each in past if each[_ERROR]],
        worker_ids=workers,
        metadata=(row["metadata"] or {}) if saved is None else saved,
        progress=_progress(row),
        outcome=row["finished__outcome"],
        run_after=row["deferred__run_after"],
        cancel_requested=bool(row["running__cancel_requested"]),
        mask=restored(row["sensitive"]),
        schedule_id=row["schedule_id"],
        scheduled_for=row["scheduled_for"],
    )
    if status == TaskResultStatus.SUCCESSFUL:
        value = row["finished__return_value"]
        object.__setattr__(result, "_return_value", value)
    return result


def _error(row: Mapping[str, Any]) -> TaskError:
    return TaskError(
        exception_class_path=row[_ERROR], traceback=row["attempts__traceback"]
    )


def _state(row: Mapping[str, Any]) -> tuple[TaskResultStatus, int, str, Any]:
    """Return the status, the last attempt begun, its worker and its start."""
    if row["finished__outcome"]:
        succeeded = row["finished__outcome"] == SUCCEEDED
        return (
            TaskResultStatus.SUCCESSFUL if succeeded else TaskResultStatus.FAILED,
            row["finished__attempt"],
            row["finished__worker"],
            row["finished__started_at"],
        )
    if row["running__attempt"]:
        worker = row["running__process__name"] or "unknown"
        started_at = row["running__claimed_at"]
        return TaskResultStatus.RUNNING, row["running__attempt"], worker, started_at
    following = row["ready__attempt"] or row["deferred__attempt"] or 1
    return TaskResultStatus.READY, following - 1, "", None


def _task(row: Mapping[str, Any], modules: tuple[str, ...]) -> Any:
    try:
        task = registry.resolve(row["task_path"], modules)
    except UnknownTask:
        task = registry.missing(row["task_path"])
    return registry.as_enqueued(
        task, row["priority"], row["queue_name"], row["backend"], row["run_after"]
    )


def _progress(row: Mapping[str, Any]) -> Progress | None:
    done = row["saved_progress__done"]
    return None if done is None else Progress(done, row["saved_progress__total"])
