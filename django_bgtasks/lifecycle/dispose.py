"""Dispose: delete jobs for good, with all that is kept of them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from ..models import (
    DeferredJob,
    FinishedJob,
    Job,
    ReadyJob,
    belongings_of,
    table_of,
)
from ..vendors import Vendor, vendor_of

_NOWHERE = {
    f"{state}__isnull": True for state in ("deferred", "ready", "running", "finished")
}


def delete(connection: Any, job_ids: Collection[UUID]) -> list[UUID]:
    """Delete jobs that wait or have finished, in one transaction; return those.

    Running ones are left: they must be cancelled first. A job that is in no table
    of states any more, which only a hand brings about, is deleted as well.
    """
    vendor = vendor_of(connection)

    def work() -> list[UUID]:
        with vendor.atomic():
            return _delete(vendor, set(job_ids))

    return vendor.persist(work)


def _delete(vendor: Vendor, left: set[UUID]) -> list[UUID]:
    gone: list[UUID] = []
    for model in (DeferredJob, ReadyJob, FinishedJob):
        table = table_of(model, vendor)
        keys = [row[0] for row in vendor.lock(table, [pk.hex for pk in left])]
        vendor.delete(table, keys)
        found = [UUID(key) for key in keys]
        left = left - set(found)
        gone += found
    # One statement looks into all tables at once, so none is merely on its way.
    rows = Job.objects.using(vendor.connection.alias).filter(pk__in=left, **_NOWHERE)
    gone += rows.values_list("pk", flat=True)
    forget(vendor, gone)
    return gone


def forget(vendor: Vendor, job_ids: Collection[UUID]) -> None:
    """Delete bodies and what is kept beside them. Their states must be gone."""
    keys = [each.hex for each in job_ids]
    for table in (*belongings_of(vendor), table_of(Job, vendor)):
        vendor.delete(table, keys)
