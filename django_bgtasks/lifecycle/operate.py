"""Operate: what people do to jobs and queues."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

from django.db import transaction

from ..compat import TaskResultDoesNotExist
from ..conf import Retention
from ..models import (
    MOST_ATTEMPTS,
    Attempt,
    DeferredJob,
    Failure,
    FinishedJob,
    Job,
    OutcomeKind,
    Queue,
    ReadyJob,
    RunningJob,
    table_of,
)
from ..results import public
from ..vendors import Vendor, vendor_of

# A job may move on while it is looked for; it does not move for ever.
_LOOKS = 5


class Cancelled(NamedTuple):
    """Jobs by what became of them.

    ``waiting`` are finished now, as cancelled; the workers of the ``running`` are to
    be told, see ``wake_after_commit``; the ``finished`` had ended already, and the
    ``missing`` are no jobs.
    """

    waiting: list[UUID]
    running: list[UUID]
    finished: list[UUID]
    missing: list[UUID]


def cancel(connection: Any, job_id: UUID, retention: Retention) -> str | None:
    """Cancel a job that has not finished, and return where it was found.

    ``"waiting"`` or ``"running"``, see ``Cancelled``; None if it had finished
    already. Raise TaskResultDoesNotExist.
    """
    cancelled = cancel_many(connection, [job_id], retention)
    if cancelled.missing:
        raise TaskResultDoesNotExist(str(job_id))
    if cancelled.waiting:
        return "waiting"
    return "running" if cancelled.running else None


def cancel_many(
    connection: Any, job_ids: Collection[UUID], retention: Retention
) -> Cancelled:
    """Cancel those jobs that have not finished, in one transaction.

    Inside the caller's transaction, those that run are marked after its commit:
    a lock on their rows would keep their worker from finishing any job.
    """
    vendor = vendor_of(connection)
    marks = not vendor.in_callers_transaction

    def work() -> Cancelled:
        with vendor.atomic():
            return _cancel(vendor, set(job_ids), retention, marks=marks)

    cancelled = vendor.persist(work)
    if cancelled.running and not marks:
        # By then one may wait for another attempt, so all is looked through again.
        transaction.on_commit(
            partial(cancel_many, connection, cancelled.running, retention),
            using=connection.alias,
            robust=True,
        )
    return cancelled


def _cancel(
    vendor: Vendor, left: set[UUID], retention: Retention, *, marks: bool
) -> Cancelled:
    cancelled = Cancelled([], [], [], [])
    alias, now = vendor.connection.alias, vendor.now()
    for _ in range(_LOOKS):
        # In the order in which a job moves on, so that few have to be looked for
        # again.
        for model in (DeferredJob, ReadyJob):
            attempts = _locked(vendor, model, left)
            _delete(vendor, model, attempts)
            _finish_unrun(alias, attempts, now, retention)
            cancelled.waiting.extend(attempts)
            left = left - set(attempts)
        if marks:
            running = list(_locked(vendor, RunningJob, left))
            marked = RunningJob.objects.using(alias).filter(pk__in=running)
            marked.update(cancel_requested=True)
        else:
            rows = RunningJob.objects.using(alias).filter(pk__in=left)
            running = list(rows.values_list("pk", flat=True))
        ended = FinishedJob.objects.using(alias).filter(pk__in=left - set(running))
        finished = list(ended.values_list("pk", flat=True))
        cancelled.running.extend(running)
        cancelled.finished.extend(finished)
        left = left - set(running) - set(finished)
        bodies = Job.objects.using(alias).filter(pk__in=left)
        moving = set(bodies.values_list("pk", flat=True))
        cancelled.missing.extend(left - moving)
        left = moving
        if not left:
            break
    cancelled.missing.extend(left)
    return cancelled


def _locked(vendor: Vendor, model: Any, pks: Collection[UUID]) -> dict[UUID, int]:
    """Lock the rows of these jobs, and return the attempt of each."""
    table = table_of(model, vendor)
    rows = vendor.lock(table, [pk.hex for pk in pks], ("attempt",))
    return {UUID(key): attempt for key, attempt in rows}


def _delete(vendor: Vendor, model: Any, pks: Collection[UUID]) -> None:
    vendor.delete(table_of(model, vendor), [pk.hex for pk in pks])


def _finish_unrun(
    alias: str, attempts: dict[UUID, int], now: datetime, retention: Retention
) -> None:
    keep = retention.failed
    FinishedJob.objects.using(alias).bulk_create(
        FinishedJob(
            job_id=job_id,
            outcome=OutcomeKind.CANCELLED,
            attempt=attempt - 1,
            finished_at=public(now),
            keep_until=None if keep is None else public(now + keep),
        )
        for job_id, attempt in attempts.items()
    )


def retry(connection: Any, job_ids: Sequence[UUID]) -> list[UUID]:
    """Make finished jobs ready for one more attempt; return those that were.

    Their history stays. Jobs that have not finished, or are gone, are left; so are
    those whose attempts a hand has counted as far as they go.
    """
    vendor = vendor_of(connection)

    def work() -> list[UUID]:
        with vendor.atomic():
            return _retry(vendor, job_ids)

    return vendor.persist(work)


def _retry(vendor: Vendor, job_ids: Sequence[UUID]) -> list[UUID]:
    alias, now = vendor.connection.alias, vendor.now()
    locked = _locked(vendor, FinishedJob, job_ids)
    finished = FinishedJob.objects.using(alias).in_bulk(list(locked))
    bodies = list(_places(alias).filter(pk__in=list(finished)))
    bodies = [each for each in bodies if finished[each.pk].attempt < MOST_ATTEMPTS]
    finished = {body.pk: finished[body.pk] for body in bodies}
    Attempt.objects.using(alias).bulk_create(
        [_as_attempt(row) for row in finished.values() if row.worker],
        ignore_conflicts=True,
    )
    for model in (FinishedJob, Failure):
        _delete(vendor, model, finished)
    ReadyJob.objects.using(alias).bulk_create(
        ReadyJob(ready_at=public(now), **body.place(finished[body.pk].attempt + 1))
        for body in bodies
    )
    return list(finished)


def _places(alias: str) -> Any:
    """Bodies without their arguments, which may be megabytes each."""
    return Job.objects.using(alias).only("queue_name", "priority")


def _as_attempt(row: FinishedJob) -> Attempt:
    return Attempt(
        job_id=row.job_id,
        attempt=row.attempt,
        outcome=row.outcome,
        worker=row.worker,
        started_at=row.started_at,
        finished_at=row.finished_at,
    )


def pause(connection: Any, queue_name: str) -> None:
    """Have no worker claim from a queue, from now on. Running jobs run on."""
    now = public(vendor_of(connection).now())
    with transaction.atomic(using=connection.alias):
        Queue.objects.using(connection.alias).update_or_create(
            name=queue_name, defaults={"paused_at": now}
        )


def resume(connection: Any, queue_name: str) -> bool:
    """Have workers claim from a queue again; tell whether it was paused."""
    rows = Queue.objects.using(connection.alias)
    return bool(
        rows.filter(name=queue_name, paused_at__isnull=False).update(paused_at=None)
    )


def watch_running(
    alias: str, owner: int, job_ids: Sequence[str]
) -> tuple[set[str], set[str]]:
    """Return which of a process's running jobs were cancelled, and which it lost."""
    rows = RunningJob.objects.using(alias).filter(
        pk__in=[UUID(job_id) for job_id in job_ids], process_id=owner
    )
    found = dict(rows.values_list("pk", "cancel_requested"))
    cancelled = {pk.hex for pk, requested in found.items() if requested}
    lost = set(job_ids) - {pk.hex for pk in found}
    return cancelled, lost


def claimed_by(alias: str, owner: int) -> dict[str, int]:
    """Return the jobs that a process has claimed, with their attempts."""
    rows = RunningJob.objects.using(alias).filter(process_id=owner)
    return {pk.hex: attempt for pk, attempt in rows.values_list("pk", "attempt")}


def give_back(vendor: Vendor, owner: int, jobs: dict[str, int]) -> int:
    """Make claimed jobs ready again without losing an attempt; return how many.

    Those that were cancelled meanwhile are finished so.
    """

    def work() -> int:
        with vendor.atomic():
            return _give_back(vendor, owner, jobs)

    return vendor.persist(work)


def _give_back(vendor: Vendor, owner: int, jobs: dict[str, int]) -> int:
    alias, now = vendor.connection.alias, vendor.now()
    columns = ("cancel_requested", "attempt", "process_id")
    rows = vendor.lock(table_of(RunningJob, vendor), jobs, columns)
    mine = {
        UUID(key): bool(cancelled)
        for key, cancelled, *row in rows
        if row == [jobs[key], owner]
    }
    bodies = _places(alias).in_bulk(mine)
    _delete(vendor, RunningJob, mine)
    cancelled = {pk: jobs[pk.hex] for pk in bodies if mine[pk]}
    _finish_unrun(alias, cancelled, now, Retention())
    ReadyJob.objects.using(alias).bulk_create(
        ReadyJob(ready_at=public(now), **body.place(jobs[body.pk.hex]))
        for body in bodies.values()
        if not mine[body.pk]
    )
    return len(mine)
