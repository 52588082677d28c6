"""Run the jobs that wait, as a worker would, in this thread."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from asgiref.sync import sync_to_async
from django.conf import settings
from django.utils import timezone

from ..compat import task_backends
from ..conf import Options
from ..lifecycle import announce, claim, run
from ..lifecycle.outcome import ClaimedJob, Outcome
from ..models import Process
from ..results import BgTaskResult
from ..task_options import moment
from ..upkeep import presence
from ..upkeep.promote import promote, promote_next
from ..vendors import Vendor, vendor_of

# More in one call means that a job enqueues its own successor for ever.
MOST = 10_000


def run_pending(
    backend: str = "default",
    *,
    limit: int | None = None,
    until: datetime | timedelta | float | None = None,
    raise_errors: bool = False,
) -> list[BgTaskResult[Any, Any]]:
    """Run all due jobs of the backend's database, and those that they enqueue.

    Return the result of each job that ran, in the order in which they first did;
    of a job that was tried several times, the latest. The order is that of a
    worker with one thread: by priority, then first come. Jobs of paused queues
    stay.

    ``limit``
        Attempts to run at most. Without it, more than 10,000 raise RuntimeError.
    ``until``
        Run deferred jobs too, the earliest first, that are due by then: a datetime,
        or a delay (timedelta or seconds) from now. Retries with a delay are
        such jobs.
    ``raise_errors``
        Raise the exception of a job that fails for good, once that is written.
        Otherwise, as in production, it makes a FAILED result.

    It works on this thread's connection, inside the transaction of a TestCase.
    Timeouts do not apply. A task's transaction.on_commit() callbacks wait for
    the test's own commit, which a TestCase does not make: see
    captureOnCommitCallbacks().
    """
    door = backend_of(backend)
    vendor = vendor_of(door.connection)
    latest = _aware(moment(until, "until"))
    results: dict[str, BgTaskResult[Any, Any]] = {}
    attempts = 0
    with inline_owner(vendor) as owner:
        while attempts != limit and (job := _next(vendor, owner, latest)):
            outcome = run.run_inline(vendor, owner, job)
            results[job.id] = result_of(door, outcome)
            attempts += 1
            if raise_errors and outcome.is_final and outcome.exception is not None:
                raise outcome.exception
            if attempts == MOST and limit is None:
                raise RuntimeError(
                    f"run_pending() has run {MOST:,} attempts, the last of "
                    f"{job.task_path}, and does not come to an end. Does a task "
                    f"enqueue itself? Pass limit=..."
                )
    return list(results.values())


async def arun_pending(
    backend: str = "default",
    *,
    limit: int | None = None,
    until: datetime | timedelta | float | None = None,
    raise_errors: bool = False,
) -> list[BgTaskResult[Any, Any]]:
    """See run_pending()."""
    return await sync_to_async(run_pending, thread_sensitive=True)(
        backend, limit=limit, until=until, raise_errors=raise_errors
    )


def backend_of(alias: str) -> Any:
    """Return the backend of an alias. Raise TypeError if it is none of ours."""
    backend = task_backends[alias]
    if not isinstance(getattr(backend, "settings", None), Options):
        raise TypeError(
            f"TASKS[{alias!r}]['BACKEND'] is {type(backend).__name__}, which keeps no "
            f"jobs in the database."
        )
    return backend


@contextmanager
def inline_owner(vendor: Vendor) -> Iterator[run.Owner]:
    """Lend a Process row, which claims and finishes must name."""
    name = f"inline-{uuid4().hex[:12]}"
    kind = Process.Kind.WORKER.value
    arrival = presence.Arrival(kind=kind, name=name, pid=os.getpid(), capacity=1)
    owner = run.Owner(presence.arrive(vendor, arrival), name)
    try:
        yield owner
    finally:
        presence.leave(vendor, owner.id)


def result_of(backend: Any, outcome: Outcome) -> BgTaskResult[Any, Any]:
    """Return the result that the signals have shown, or what the rows tell."""
    result: BgTaskResult[Any, Any] | None = announce.completed(outcome)
    if result is None:
        # The task or its arguments could not be loaded.
        result = backend.get_result(str(UUID(outcome.job.id)))
    return result


def _next(
    vendor: Vendor, owner: run.Owner, latest: datetime | None
) -> ClaimedJob | None:
    promote(vendor)
    job = claim.claim_one(vendor, owner.id)
    while job is None and latest is not None and promote_next(vendor, latest):
        job = claim.claim_one(vendor, owner.id)
    return job


def _aware(when: datetime | None) -> datetime | None:
    if when is not None and settings.USE_TZ and timezone.is_naive(when):
        return timezone.make_aware(when)
    return when
