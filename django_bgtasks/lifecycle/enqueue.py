"""Enqueue: a job's body and its first state, in the caller's transaction."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from math import inf
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from .. import payload
from ..compat import InvalidTask, TaskResultStatus
from ..conf import duration
from ..exceptions import InvalidArguments
from ..ids import uuid7
from ..models import DeferredJob, Job, ReadyJob, table_of
from ..results import BgTaskResult, public
from ..vendors import Insert, Vendor

logger = logging.getLogger("django_bgtasks.enqueue")

CHANNEL = "django_bgtasks"
# What the workers are told: there are new jobs, now or for later, or a running one
# was cancelled.
JOB = "job"
DEFERRED = "deferred"
CANCEL = "cancel"
Call = tuple[Sequence[Any], Mapping[str, Any]]

_BODY = (
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
    common = _common(task, limit)
    bodies, results = [], []
    for number, given in enumerate(calls):
        where = f"call {number}: " if many else ""
        job_id = uuid7()
        call = _checked(task, given, where)
        texts = (
            payload.dump(call[0], f"{where}args", limit),
            payload.dump(call[1], f"{where}kwargs", limit),
        )
        bodies.append(_body(vendor, alias, task, job_id, texts, common))
        results.append(_result(alias, task, job_id, call, common))
    if not bodies:
        return []
    state = _state(vendor, task, bodies)
    body = Insert(table_of(Job, vendor), _BODY, bodies, ("enqueued_at",))
    enqueued_at = public(vendor.persist(lambda: vendor.put([body, state])))
    wake_after_commit(vendor, JOB if task.run_after is None else DEFERRED)
    for result in results:
        object.__setattr__(result, "enqueued_at", enqueued_at)
    return results


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


def _common(task: Any, limit: int) -> tuple[Any, Any, str | None]:
    """What all calls of one enqueue share: run_after, expires_at, metadata."""
    if len(task.module_path) > 255:
        raise InvalidTask(f"The task's path {task.module_path!r} is over 255 long.")
    if len(task.queue_name) > 128:
        raise InvalidTask(f"queue_name {task.queue_name!r} is over 128 long.")
    metadata = getattr(task, "metadata", None)
    if metadata is not None:
        normal = payload.normalize(metadata, "metadata")
        metadata = payload.dump(normal, "metadata", limit)
    return task.run_after, _expires_at(task), metadata


def _expires_at(task: Any) -> datetime | None:
    expires = getattr(task, "expires", None)
    if expires is None or isinstance(expires, datetime):
        return expires
    start: datetime = task.run_after or timezone.now()
    length: timedelta = duration(expires)
    return start + length


def _checked(task: Any, call: Call, where: str) -> tuple[list[Any], dict[str, Any]]:
    try:
        args, kwargs = call
    except (TypeError, ValueError):
        raise InvalidArguments(f"{where}it is no pair of args and kwargs.") from None
    arguments = (
        payload.normalize(args, f"{where}args"),
        payload.normalize(kwargs, f"{where}kwargs"),
    )
    if type(arguments[0]) is not list:
        kind = type(args).__name__
        raise InvalidArguments(f"{where}args must be a list or tuple, not {kind}.")
    if type(arguments[1]) is not dict:
        kind = type(kwargs).__name__
        raise InvalidArguments(f"{where}kwargs must be a dict, not {kind}.")
    least, most = _positional(task.func)
    count = len(arguments[0]) + task.takes_context
    if arguments[1] or not least <= count <= most:
        _bind(task, arguments, where)
    return arguments


def _bind(task: Any, arguments: tuple[list[Any], dict[str, Any]], where: str) -> None:
    leading = (None,) if task.takes_context else ()
    try:
        signature = inspect.signature(task.func)
        signature.bind(*leading, *arguments[0], **arguments[1])
    except TypeError as error:
        raise InvalidArguments(
            f"{where}{task.module_path}() cannot be called so: {error}."
        ) from None


@lru_cache(maxsize=4096)
def _positional(func: Callable[..., Any]) -> tuple[float, float]:
    """How many arguments, all positional, a function takes at least and at most."""
    least, most = 0.0, 0.0
    for parameter in inspect.signature(func).parameters.values():
        required = parameter.default is parameter.empty
        if parameter.kind is parameter.VAR_POSITIONAL:
            most = inf
        elif parameter.kind is parameter.KEYWORD_ONLY:
            least += inf if required else 0
        elif parameter.kind is not parameter.VAR_KEYWORD:
            least, most = least + required, most + 1
    return least, most


def _body(
    vendor: Vendor,
    alias: str,
    task: Any,
    job_id: UUID,
    texts: tuple[str, str],
    common: tuple[Any, Any, str | None],
) -> tuple[Any, ...]:
    run_after, expires_at, metadata = common
    return (
        job_id.hex,
        task.module_path,
        alias,
        task.queue_name,
        int(task.priority),
        *texts,
        metadata,
        vendor.to_database(run_after),
        vendor.to_database(expires_at),
    )


def _state(vendor: Vendor, task: Any, bodies: list[tuple[Any, ...]]) -> Insert:
    shared = (task.queue_name, -int(task.priority), 1)
    columns = ("job_id", "queue_name", "rank", "attempt")
    if task.run_after is None:
        rows = [(body[0], *shared) for body in bodies]
        return Insert(table_of(ReadyJob, vendor), columns, rows, ("ready_at",))
    due = vendor.to_database(task.run_after)
    deferred = [(body[0], *shared, due) for body in bodies]
    return Insert(table_of(DeferredJob, vendor), (*columns, "run_after"), deferred)


def _result(
    alias: str,
    task: Any,
    job_id: UUID,
    call: tuple[list[Any], dict[str, Any]],
    common: tuple[Any, Any, str | None],
) -> BgTaskResult[Any, Any]:
    return BgTaskResult(
        task=task,
        id=str(job_id),
        status=TaskResultStatus.READY,
        enqueued_at=None,
        started_at=None,
        last_attempted_at=None,
        finished_at=None,
        args=call[0],
        kwargs=call[1],
        backend=alias,
        errors=[],
        worker_ids=[],
        metadata=payload.load(common[2]) if common[2] else {},
        run_after=common[0],
    )
