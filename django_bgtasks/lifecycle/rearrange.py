"""Rearrange: what people do to jobs that wait."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from ..models import DeferredJob, Job, ReadyJob, table_of
from ..results import public
from ..vendors import Vendor, vendor_of


def run_now(connection: Any, job_ids: Collection[UUID]) -> list[UUID]:
    """Make deferred jobs ready at once, in one transaction; return those that were.

    Jobs that stand elsewhere, or are gone, are left. The workers are to be told,
    see ``wake_after_commit``.
    """
    vendor = vendor_of(connection)

    def work() -> list[UUID]:
        with vendor.atomic():
            return _run_now(vendor, job_ids)

    return vendor.persist(work)


def _run_now(vendor: Vendor, job_ids: Collection[UUID]) -> list[UUID]:
    deferred = table_of(DeferredJob, vendor)
    place = ("queue_name", "rank", "attempt")
    rows = vendor.lock(deferred, [pk.hex for pk in job_ids], place)
    vendor.delete(deferred, [row[0] for row in rows])
    now = public(vendor.now())
    ready = [
        ReadyJob(
            job_id=UUID(key),
            queue_name=queue_name,
            rank=rank,
            ready_at=now,
            attempt=attempt,
        )
        for key, queue_name, rank, attempt in rows
    ]
    ReadyJob.objects.using(vendor.connection.alias).bulk_create(ready)
    return [row.job_id for row in ready]


def move(
    connection: Any,
    job_ids: Collection[UUID],
    queue_name: str | None = None,
    priority: int | None = None,
) -> list[UUID]:
    """Give waiting jobs another queue or priority, in one transaction.

    Return those that were ready or deferred; all others are left. The workers of
    the queue are to be told, see ``wake_after_commit``.
    """
    vendor = vendor_of(connection)
    place: dict[str, Any] = {}
    body: dict[str, Any] = {}
    if queue_name is not None:
        place["queue_name"] = body["queue_name"] = queue_name
    if priority is not None:
        place["rank"], body["priority"] = -priority, priority
    if not place:
        return []

    def work() -> list[UUID]:
        with vendor.atomic():
            return _move(vendor, set(job_ids), place, body)

    return vendor.persist(work)


def _move(
    vendor: Vendor, left: set[UUID], place: dict[str, Any], body: dict[str, Any]
) -> list[UUID]:
    alias = vendor.connection.alias
    moved: list[UUID] = []
    # In the order in which a job moves on, so that one that does is still met.
    for model in (DeferredJob, ReadyJob):
        rows = vendor.lock(table_of(model, vendor), [pk.hex for pk in left])
        found = [UUID(row[0]) for row in rows]
        model.objects.using(alias).filter(pk__in=found).update(**place)
        left = left - set(found)
        moved += found
    # What becomes of it later, such as a rescue, goes by the body.
    Job.objects.using(alias).filter(pk__in=moved).update(**body)
    return moved
