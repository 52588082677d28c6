"""Claim: make ready jobs this process's own."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from datetime import timedelta
from operator import itemgetter
from typing import Any
from uuid import UUID

from django.db.models import ExpressionWrapper, F, TextField

from .. import payload
from ..compat import TaskError
from ..models import (
    Attempt,
    Job,
    JobProgress,
    Process,
    Queue,
    ReadyJob,
    RunningJob,
    table_of,
)
from ..results import public
from ..vendors import LONG_AGO, Lane, Take, Taken, Vendor
from .outcome import ClaimedJob, PastAttempt

# How far behind the last row taken a lane is still searched: a transaction that
# commits later than its neighbours shows its rows with an earlier time.
SLACK = timedelta(seconds=0.5)

_READ = (
    "task_path",
    "backend",
    "args",
    "kwargs",
    "metadata",
    "run_after",
    "expires_at",
    "enqueued_at",
    "schedule_id",
    "scheduled_for",
)


def take(
    vendor: Vendor,
    owner: int,
    lanes: Sequence[Lane],
    limit: int,
    share: int | None = None,
) -> Take:
    """Order up to ``limit`` jobs from the heads of ``lanes`` for a process.

    Of each lane come ``share`` at most.

    It gets none if it was taken for dead, though it may live: what it claimed would
    be rescued from it again and again, and so at last be failed.
    """
    return Take(
        source=table_of(ReadyJob, vendor),
        target=table_of(RunningJob, vendor),
        body=table_of(Job, vendor),
        closed=table_of(Queue, vendor),
        index="bgtasks_ready_claim",
        read=_READ,
        lanes=lanes,
        limit=limit,
        owner=owner,
        owners=table_of(Process, vendor),
        share=share,
    )


def claim_one(
    vendor: Vendor, owner: int, job_id: UUID | None = None
) -> ClaimedJob | None:
    """Claim the ready job of this id or, without one, the first of all queues.

    For jobs that are run inline: by priority, then first come, paused queues left
    out. None if there is none.
    """
    alias = vendor.connection.alias
    paused = Queue.objects.using(alias).filter(paused_at__isnull=False)
    ready = ReadyJob.objects.using(alias).exclude(queue_name__in=paused.values("name"))
    if job_id is not None:
        ready = ready.filter(pk=job_id)
    ready = vendor.skip_taken(ready.order_by("rank", "ready_at", "pk"))

    def work() -> Taken | None:
        with vendor.atomic():
            return _take_first(vendor, owner, ready)

    taken = vendor.persist(work)
    claimed = jobs(vendor, taken)[0] if taken else []
    return claimed[0] if claimed else None


def _take_first(vendor: Vendor, owner: int, ready: Any) -> Taken | None:
    alias = vendor.connection.alias
    row = ready.first()
    if row is None:
        return None
    clock, now = time.monotonic(), vendor.now()
    ReadyJob.objects.using(alias).filter(pk=row.pk).delete()
    RunningJob.objects.using(alias).create(
        job_id=row.pk, process_id=owner, attempt=row.attempt, claimed_at=public(now)
    )
    # The payloads as they lie there: what is no JSON fails the job, not the claim.
    texts = {
        f"{name}_text": ExpressionWrapper(F(name), TextField())
        for name in ("args", "kwargs", "metadata")
    }
    columns = [f"{name}_text" if f"{name}_text" in texts else name for name in _READ]
    bodies = Job.objects.using(alias).filter(pk=row.pk).annotate(**texts)
    body = bodies.values_list(*columns).first() or (None,) * len(_READ)
    ready_at = vendor.from_database(row.ready_at)
    head = (row.pk.hex, row.attempt, row.queue_name, row.rank, ready_at)
    return Taken(now, [(*head, *body)], clock)


# Rank, ready_at, job_id of a row that was taken.
_ORDER = itemgetter(3, 4, 0)


def jobs(vendor: Vendor, taken: Taken) -> tuple[list[ClaimedJob], list[str]]:
    """Read what was taken: the jobs in their order, and ids without a body.

    By what lay between the clock of this host and the database's own, the times of
    attempts are told too late.
    """
    offset, arrived = taken.now.timestamp() - taken.clock, time.monotonic()
    read = vendor.from_database
    claimed, empty = [], []
    for head in sorted(taken.rows, key=_ORDER):
        job_id, attempt, queue, rank, ready_at, path, backend, *body = head
        if path is None:
            empty.append(job_id)
            continue
        # A hand may have set it to a time from which nobody would look on.
        ready_at = min(max(ready_at, LONG_AGO), taken.now)
        args, kwargs, metadata, run_after, expires_at, enqueued_at, *tick = body
        schedule_id, scheduled_for = tick
        claimed.append(
            ClaimedJob(
                *(job_id, attempt, queue, rank, ready_at, path),
                *(backend, args, kwargs, metadata),
                run_after and read(run_after),
                expires_at and read(expires_at),
                read(enqueued_at) or ready_at,
                taken.now,
                arrived,
                schedule_id,
                scheduled_for and read(scheduled_for),
                (),
                offset,
            )
        )
    _remember([job for job in claimed if job.attempt > 1], vendor.connection.alias)
    return claimed, empty


def _remember(repeated: list[ClaimedJob], alias: str) -> None:
    """Give jobs that were tried before their past and the metadata they saved."""
    if not repeated:
        return
    by_id = {UUID(job.id): job for job in repeated}
    attempts = Attempt.objects.using(alias).filter(job_id__in=by_id)
    for row in attempts.order_by("attempt"):
        job = by_id[row.job_id]
        job.past = (*job.past, past_attempt(row))
    saved = JobProgress.objects.using(alias).filter(
        job_id__in=by_id, metadata__isnull=False
    )
    for told in saved:
        text = payload.dump(told.metadata, "metadata", sys.maxsize)
        by_id[told.job_id].metadata = text


def past_attempt(row: Any) -> PastAttempt:
    """Read an Attempt row."""
    error = None
    if row.exception_class_path:
        error = TaskError(
            exception_class_path=row.exception_class_path, traceback=row.traceback
        )
    return PastAttempt(row.attempt, row.worker, row.started_at, error)
