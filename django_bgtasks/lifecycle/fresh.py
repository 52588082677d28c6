"""Results of jobs that have just been enqueued."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import fields
from datetime import datetime
from typing import Any

from .. import payload
from ..compat import TaskResultStatus
from ..results import BgTaskResult
from .call import Common

Arguments = tuple[list[Any], dict[str, Any]]

_new = object.__new__
# By the slots themselves: a frozen class takes three times as long to fill its fields.
_put: dict[str, Callable[[Any, Any], None]] = {
    each.name: getattr(BgTaskResult, each.name).__set__ for each in fields(BgTaskResult)
}
_put_id, _put_args, _put_kwargs = _put["id"], _put["args"], _put["kwargs"]
_put_errors, _put_workers = _put["errors"], _put["worker_ids"]
_put_metadata = _put["metadata"]
_OWN = {"id", "args", "kwargs", "errors", "worker_ids", "metadata"}


def result(
    task: Any, alias: str, job_id: str, call: Arguments, common: Common, at: datetime
) -> BgTaskResult[Any, Any]:
    """Return the result of a call that was enqueued ``at`` that time."""
    return BgTaskResult(
        task=task,
        id=job_id,
        status=TaskResultStatus.READY,
        enqueued_at=at,
        started_at=None,
        last_attempted_at=None,
        finished_at=None,
        args=call[0],
        kwargs=call[1],
        backend=alias,
        errors=[],
        worker_ids=[],
        metadata=payload.load(common.metadata) if common.metadata else {},
        run_after=common.run_after,
    )


def results(
    task: Any,
    alias: str,
    calls: Iterable[tuple[str, Arguments]],
    common: Common,
    at: datetime,
) -> list[BgTaskResult[Any, Any]]:
    """Return those of calls that differ in their ids and arguments alone."""
    like = result(task, alias, "", ([], {}), common, at)
    shared = [(put, getattr(like, key)) for key, put in _put.items() if key not in _OWN]
    metadata, found = common.metadata, []
    for job_id, (args, kwargs) in calls:
        made: BgTaskResult[Any, Any] = _new(BgTaskResult)
        for put, value in shared:
            put(made, value)
        _put_id(made, job_id)
        _put_args(made, args)
        _put_kwargs(made, kwargs)
        _put_errors(made, [])
        _put_workers(made, [])
        _put_metadata(made, payload.load(metadata) if metadata else {})
        found.append(made)
    return found
