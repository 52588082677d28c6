"""Prune: delete finished jobs whose retention has passed."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from ..ids import uuid7_floor
from ..lifecycle.dispose import forget
from ..models import FinishedJob, table_of
from ..results import public
from ..vendors import Vendor, vendor_of

BATCH = 500


def prune(connection: Any, limit: int = BATCH, until: datetime | None = None) -> int:
    """Delete up to ``limit`` jobs, longest due first, and return how many.

    Small batches in transactions of their own, skipping what another process
    deletes, so that the queue never waits. ``until`` stands in for the
    database's clock.
    """
    vendor = vendor_of(connection)
    moment = until or vendor.now()
    if not finished_due(connection.alias, moment).exists():
        return 0

    def work() -> int:
        with vendor.atomic():
            return _prune(vendor, limit, moment)

    return vendor.persist(work)


def _prune(vendor: Vendor, limit: int, until: datetime) -> int:
    alias = vendor.connection.alias
    due = vendor.skip_taken(finished_due(alias, until).order_by("keep_until"))
    ids = sorted(due.values_list("pk", flat=True)[:limit])
    if ids:
        delete_jobs(vendor, ids)
    return len(ids)


def prune_older(
    connection: Any, moment: datetime, after: UUID | None = None, limit: int = BATCH
) -> list[UUID]:
    """Delete up to ``limit`` jobs that finished before ``moment``, whatever their
    retention; return their ids, oldest first.

    ``after`` is the last id of the batch before. Ids are ordered by the time of
    the enqueue, so those of later jobs are not even looked at.
    """
    vendor = vendor_of(connection)
    rows = finished_before(connection.alias, moment)
    if after is not None:
        rows = rows.filter(pk__gt=after)

    def work() -> list[UUID]:
        with vendor.atomic():
            some = vendor.skip_taken(rows.order_by("pk"))
            ids = list(some.values_list("pk", flat=True)[:limit])
            if ids:
                delete_jobs(vendor, ids)
            return ids

    return vendor.persist(work)


def finished_due(alias: str, moment: datetime) -> QuerySet[FinishedJob]:
    """Return the jobs whose retention has passed at ``moment``."""
    rows = FinishedJob.objects.using(alias)
    return rows.filter(keep_until__lte=public(moment))


def finished_before(alias: str, moment: datetime) -> QuerySet[FinishedJob]:
    """Return the jobs that finished before ``moment``."""
    rows = FinishedJob.objects.using(alias)
    return rows.filter(pk__lt=uuid7_floor(moment), finished_at__lt=public(moment))


def delete_jobs(vendor: Vendor, ids: list[UUID]) -> None:
    """Delete finished jobs with all that belongs to them."""
    vendor.delete(table_of(FinishedJob, vendor), [each.hex for each in ids])
    forget(vendor, ids)
