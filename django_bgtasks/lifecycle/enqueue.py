"""Enqueue: a job's body and its first state, in the caller's transaction."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from .. import payload
from ..compat import TaskResultStatus
from ..ids import dashed, new_ids, uuid7
from ..log import current_job
from ..models import DeferredJob, Job, JobLink, ReadyJob, table_of
from ..results import BgTaskResult, public
from ..sensitive import mask_of, stored
from ..vendors import Insert, Vendor
from .call import Call, Common, checked, common_of

logger = logging.getLogger("django_bgtasks.enqueue")

CHANNEL = "django_bgtasks"
# What the workers are told: there are new jobs, now or for later, or a running one
# was cancelled.
JOB = "job"
DEFERRED = "deferred"
CANCEL = "cancel"

_BODY: tuple[str, ...] = (
    "id",
    "task_path",
    "backend",
    "queue_name",
    "priority",
    "args",
    "kwargs",
    "metadata",
    "run_after",
    "expires_at",
)
_SCHEDULED = (*_BODY, "schedule_id", "scheduled_for", "sensitive")
_PLACE = ("job_id", "queue_name", "rank", "attempt")


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A call of a schedule, checked and ready to be inserted.

    ``task`` is as it is to be enqueued: with its queue, priority and backend.
    """

    task: Any
    call: tuple[list[Any], dict[str, Any]]
    texts: tuple[str, str]
    common: Common
    schedule_id: int
    scheduled_for: datetime | None
    id: UUID = field(default_factory=uuid7)


def enqueue(
    vendor: Vendor,
    alias: str,
    task: Any,
    calls: Iterable[Call],
    limit: int,
    *,
    many: bool = True,
) -> list[BgTaskResult[Any, Any]]:
    """Insert a job for each call, all or none, and return their results.

    Runs on the caller's connection: in its transaction, or in one of its own.
    Workers are told after the commit. Raise InvalidArguments (a TypeError), or
    TypeError for arguments that do not fit the function, before anything is
    written. ``limit`` is the bytes that the arguments may take; with ``many``
    a message names the call at fault.
    """
    common = common_of(task, limit)
    checked = [
        _checked(task, call, limit, number if many else None)
        for number, call in enumerate(calls)
    ]
    if not checked:
        return []
    ids = new_ids(len(checked))
    shared = _shared(vendor, alias, task, common)
    bodies = [
        (job_id, *shared[0], args, kwargs, *shared[1])
        for job_id, (_, args, kwargs) in zip(ids, checked, strict=True)
    ]
    message = JOB if task.run_after is None else DEFERRED
    enqueued_at = public(_put_and_wake(vendor, _inserts(vendor, task, bodies), message))
    return [
        _result(alias, task, dashed(job_id), call, common, enqueued_at)
        for job_id, (call, _, _) in zip(ids, checked, strict=True)
    ]


def _checked(
    task: Any, given: Call, limit: int, number: int | None
) -> tuple[tuple[list[Any], dict[str, Any]], str, str]:
    """Return the arguments of a call, and the JSON of either."""
    try:
        call = checked(task, given)
        args = payload.dump(call[0], "args", limit)
        return call, args, payload.dump(call[1], "kwargs", limit)
    except TypeError:
        if number is None:
            raise
    # Once more, to name the call where its words have the place for that.
    where = f"call {number}: "
    call = checked(task, given, where)
    args = payload.dump(call[0], f"{where}args", limit)
    return call, args, payload.dump(call[1], f"{where}kwargs", limit)


def _put_and_wake(vendor: Vendor, inserts: list[Insert], message: str) -> datetime:
    connection = vendor.connection
    if connection.in_atomic_block or not connection.get_autocommit():
        now = vendor.persist(lambda: vendor.put(inserts))
        wake_after_commit(vendor, message)
        return now
    wake = _Wake(vendor, message)
    return vendor.persist(lambda: vendor.put(inserts, wake))


def enqueue_orders(
    vendor: Vendor, orders: Sequence[Order]
) -> list[BgTaskResult[Any, Any]]:
    """Insert the jobs of schedules, all or none, and return their results.

    They may be of different tasks. Workers are told after the commit.
    """
    if not orders:
        return []
    bodies, ready, deferred = [], [], []
    for each in orders:
        task, due = each.task, vendor.to_database(each.common.run_after)
        first, rest = _shared(vendor, task.backend, task, each.common)
        body = (each.id.hex, *first, *each.texts, *rest)
        moment = vendor.to_database(each.scheduled_for)
        bodies.append((*body, each.schedule_id, moment, _hidden(task)))
        place = (each.id.hex, task.queue_name, -int(task.priority), 1)
        if due is None:
            ready.append(place)
        else:
            deferred.append((*place, due))
    inserts = [
        Insert(table_of(Job, vendor), _SCHEDULED, bodies, ("enqueued_at",)),
        _ready(vendor, ready),
        _deferred(vendor, deferred),
    ]
    enqueued_at = vendor.put([each for each in inserts if each.rows])
    for message in (JOB,) * bool(ready) + (DEFERRED,) * bool(deferred):
        wake_after_commit(vendor, message)
    return [_result_of_order(each, public(enqueued_at)) for each in orders]


def _result_of_order(order: Order, enqueued_at: datetime) -> BgTaskResult[Any, Any]:
    task, job_id = order.task, str(order.id)
    result = _result(task.backend, task, job_id, order.call, order.common, enqueued_at)
    object.__setattr__(result, "schedule_id", order.schedule_id)
    object.__setattr__(result, "scheduled_for", public(order.scheduled_for))
    return result


def wake_after_commit(vendor: Vendor, message: str = JOB) -> None:
    """Tell the workers once the caller's transaction is committed.

    In a statement of its own: PostgreSQL serialises the commits of all
    transactions that notify.
    """
    connection = vendor.connection
    if not connection.in_atomic_block and not connection.get_autocommit():
        # The commit is the caller's own doing, and nobody is told of it. Workers
        # find the job when they look by themselves.
        return
    if not _is_told_already(connection, message):
        wake = _Wake(vendor, message)
        transaction.on_commit(wake, using=connection.alias, robust=True)


class _Wake:
    def __init__(self, vendor: Vendor, message: str) -> None:
        self.vendor = vendor
        self.message = message

    def __call__(self) -> None:
        # The job is committed; that a worker hears of it at once is only speed.
        try:
            self.vendor.notify(CHANNEL, self.message)
        except Exception:
            logger.warning("The workers could not be told of new jobs.", exc_info=True)


def _is_told_already(connection: Any, message: str) -> bool:
    """Whether the last hook of this transaction is ours, and says the same.

    A hook that is still there will run with this enqueue, or go with it: those of
    savepoints that were rolled back are gone already.
    """
    if not connection.in_atomic_block or not connection.run_on_commit:
        return False
    _, hook, *_ = connection.run_on_commit[-1]
    return isinstance(hook, _Wake) and hook.message == message


def _shared(
    vendor: Vendor, alias: str, task: Any, common: Common
) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """Return what all bodies have between the id and args, and after kwargs."""
    first = (task.module_path, alias, task.queue_name, int(task.priority))
    moments = (common.run_after, common.expires_at)
    return first, (common.metadata, *map(vendor.to_database, moments))


def _inserts(vendor: Vendor, task: Any, bodies: list[tuple[Any, ...]]) -> list[Insert]:
    """Order a job's body, its state and, where there is one, the link to its parent."""
    state, columns = _state(vendor, task, bodies), _BODY
    if kept := _hidden(task):
        columns, bodies = (*_BODY, "sensitive"), [(*body, kept) for body in bodies]
    inserts = [Insert(table_of(Job, vendor), columns, bodies, ("enqueued_at",)), state]
    parent = current_job.get()
    if parent.attempt != "-":
        rows = [(body[0], UUID(parent.job_id).hex) for body in bodies]
        table = table_of(JobLink, vendor)
        inserts.append(Insert(table, ("job_id", "parent_id"), rows))
    return inserts


def _hidden(task: Any) -> str | None:
    """Return what a job is to keep of what its task calls sensitive."""
    mask = mask_of(task)
    return json.dumps(stored(mask)) if mask else None


def _state(vendor: Vendor, task: Any, bodies: list[tuple[Any, ...]]) -> Insert:
    shared = (task.queue_name, -int(task.priority), 1)
    if task.run_after is None:
        return _ready(vendor, [(body[0], *shared) for body in bodies])
    due = vendor.to_database(task.run_after)
    return _deferred(vendor, [(body[0], *shared, due) for body in bodies])


def _ready(vendor: Vendor, rows: list[tuple[Any, ...]]) -> Insert:
    return Insert(table_of(ReadyJob, vendor), _PLACE, rows, ("ready_at",))


def _deferred(vendor: Vendor, rows: list[tuple[Any, ...]]) -> Insert:
    return Insert(table_of(DeferredJob, vendor), (*_PLACE, "run_after"), rows)


def _result(
    alias: str,
    task: Any,
    job_id: str,
    call: tuple[list[Any], dict[str, Any]],
    common: Common,
    enqueued_at: datetime,
) -> BgTaskResult[Any, Any]:
    return BgTaskResult(
        task=task,
        id=job_id,
        status=TaskResultStatus.READY,
        enqueued_at=enqueued_at,
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
