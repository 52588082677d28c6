"""Promote: make deferred jobs ready when they are due."""

from __future__ import annotations

from datetime import datetime
from math import inf

from ..models import DeferredJob, ReadyJob, table_of
from ..results import public
from ..vendors import Move, Vendor

BATCH = 1_000


def promote(vendor: Vendor, limit: int = BATCH) -> int:
    """Move up to ``limit`` due jobs, earliest first, and return how many.

    Any number of workers may do so at once: each job is moved by one.
    """
    move = Move(
        source=table_of(DeferredJob, vendor),
        target=table_of(ReadyJob, vendor),
        due="run_after",
        stamp="ready_at",
        columns=("queue_name", "rank", "attempt"),
        limit=limit,
    )
    return vendor.persist(lambda: vendor.move(move))


def promote_next(vendor: Vendor, until: datetime) -> bool:
    """Move the job that is due first, and by ``until``, whatever the clock says.

    For tests, which cannot wait. Tell whether there was one.
    """
    alias = vendor.connection.alias
    due = DeferredJob.objects.using(alias).filter(run_after__lte=public(until))

    def work() -> bool:
        with vendor.atomic():
            job = vendor.skip_taken(due.order_by("run_after", "pk")).first()
            if job is None:
                return False
            DeferredJob.objects.using(alias).filter(pk=job.pk).delete()
            ReadyJob.objects.using(alias).create(
                job_id=job.pk,
                queue_name=job.queue_name,
                rank=job.rank,
                ready_at=public(vendor.now()),
                attempt=job.attempt,
            )
            return True

    return vendor.persist(work)


def seconds_left(vendor: Vendor) -> float:
    """Return in how many seconds the next deferred job is due; inf if there is none."""
    due, now = vendor.first(table_of(DeferredJob, vendor), "run_after")
    return inf if due is None else (due - now).total_seconds()


def next_due(vendor: Vendor) -> datetime | None:
    """Return when the next deferred job is due."""
    return vendor.first(table_of(DeferredJob, vendor), "run_after")[0]
