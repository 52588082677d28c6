"""Enqueue: a job's body and its first state, in the caller's transaction."""

from __future__ import annotations

import gc
import logging
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

from django.db import transaction

from .. import payload
from ..ids import dashed, new_ids, uuid7
from ..log import current_job
from ..models import Job, table_of
from ..results import BgTaskResult, public
from ..vendors import Blank, Insert, Stencil, Vendor
from . import fresh, job_rows
from .call import Call, Common, checked, common_of

logger = logging.getLogger("django_bgtasks.enqueue")

# From so many calls on the garbage collector would be felt.
_MANY = 100

CHANNEL = "django_bgtasks"
# What the workers are told: there are new jobs, now or for later, or a running one
# was cancelled.
JOB = "job"
DEFERRED = "deferred"
CANCEL = "cancel"


class _Form(NamedTuple):
    """What all calls of a task share, when it says nothing of time or metadata."""

    # Kept here, so that no other task gets its id.
    task: Any
    common: Common
    stencil: Stencil


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
    known = list(calls)
    if not known:
        common_of(task, limit)
        return []
    with _uncollected(len(known)):
        common = common_of(task, limit)
        checked = [
            _checked(task, call, limit, number if many else None)
            for number, call in enumerate(known)
        ]
        ids = new_ids(len(checked))
        shared = job_rows.shared(vendor, alias, task, common)
        bodies = [
            (job_id, *shared[0], args, kwargs, *shared[1])
            for job_id, (_, args, kwargs) in zip(ids, checked, strict=True)
        ]
        inserts = job_rows.inserts(vendor, task, bodies)
    message = JOB if task.run_after is None else DEFERRED
    enqueued_at = public(_put_and_wake(vendor, partial(vendor.put, inserts), message))
    with _uncollected(len(known)):
        arguments = [call for call, _, _ in checked]
        made = zip(map(dashed, ids), arguments, strict=True)
        return fresh.results(task, alias, made, common, enqueued_at)


@contextmanager
def _uncollected(count: int) -> Iterator[None]:
    """Have no garbage looked for while so many are made: all of it is kept.

    It would be walked again and again, for as long as all else takes.
    """
    if count < _MANY or not gc.isenabled():
        yield
        return
    try:
        gc.disable()
        yield
    finally:
        gc.enable()


def enqueue_one(
    vendor: Vendor, alias: str, task: Any, call: Call, limit: int
) -> BgTaskResult[Any, Any]:
    """Do the same for one call, in less time if the task was enqueued before."""
    has_parent = current_job.get() is not None
    form = None if has_parent else _form_of(vendor, alias, task, limit)
    if form is None:
        return enqueue(vendor, alias, task, [call], limit, many=False)[0]
    given, args, kwargs = _checked(task, call, limit, None)
    [job_id] = new_ids(1)
    put = partial(form.stencil.put, (job_id, args, kwargs))
    enqueued_at = public(_put_and_wake(vendor, put, JOB))
    public_id = dashed(job_id)
    return fresh.result(task, alias, public_id, given, form.common, enqueued_at)


def _form_of(vendor: Vendor, alias: str, task: Any, limit: int) -> _Form | None:
    """Return what all calls of a task share; None where they do not."""
    form: _Form | None = vendor.forms.get((id(task), alias))
    if form is not None:
        return form
    function = task.func
    module = sys.modules.get(function.__module__)
    if getattr(module, function.__name__, None) is not task:
        return None  # A copy, perhaps for this one call.
    common = common_of(task, limit)
    if any(common):
        return None
    first, rest = job_rows.shared(vendor, alias, task, common)
    body = (Blank(0), *first, Blank(1), Blank(2), *rest)
    stencil = vendor.stencil(job_rows.inserts(vendor, task, [body]))
    form = vendor.forms[id(task), alias] = _Form(task, common, stencil)
    return form


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


def _put_and_wake(
    vendor: Vendor, put: Callable[..., datetime], message: str
) -> datetime:
    connection = vendor.connection
    if connection.in_atomic_block or not connection.get_autocommit():
        now = vendor.persist(put)
        wake_after_commit(vendor, message)
        return now
    return vendor.persist(partial(put, _Wake(vendor, message)))


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
        first, rest = job_rows.shared(vendor, task.backend, task, each.common)
        body = (each.id.hex, *first, *each.texts, *rest)
        moment = vendor.to_database(each.scheduled_for)
        bodies.append((*body, each.schedule_id, moment, job_rows.hidden(task)))
        place = (each.id.hex, task.queue_name, -int(task.priority), 1)
        if due is None:
            ready.append(place)
        else:
            deferred.append((*place, due))
    inserts = [
        Insert(table_of(Job, vendor), job_rows.SCHEDULED, bodies, ("enqueued_at",)),
        job_rows.ready(vendor, ready),
        job_rows.deferred(vendor, deferred),
    ]
    enqueued_at = vendor.put([each for each in inserts if each.rows])
    for message in (JOB,) * bool(ready) + (DEFERRED,) * bool(deferred):
        wake_after_commit(vendor, message)
    return [_result_of_order(each, public(enqueued_at)) for each in orders]


def _result_of_order(order: Order, enqueued_at: datetime) -> BgTaskResult[Any, Any]:
    task, job_id, call = order.task, str(order.id), order.call
    result = fresh.result(task, task.backend, job_id, call, order.common, enqueued_at)
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
