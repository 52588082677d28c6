"""The rows of a job that is enqueued: its body, its first state, its parent."""

from __future__ import annotations

import json
from typing import Any

from ..log import current_job
from ..models import DeferredJob, Job, JobLink, ReadyJob, table_of
from ..sensitive import mask_of, stored
from ..vendors import Insert, Vendor
from .call import Common

BODY: tuple[str, ...] = (
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
SCHEDULED = (*BODY, "schedule_id", "scheduled_for", "sensitive")
PLACE = ("job_id", "queue_name", "rank", "attempt")


def shared(
    vendor: Vendor, alias: str, task: Any, common: Common
) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """Return what all bodies have between the id and args, and after kwargs."""
    first = (task.module_path, alias, task.queue_name, int(task.priority))
    moments = (common.run_after, common.expires_at)
    return first, (common.metadata, *map(vendor.to_database, moments))


def inserts(vendor: Vendor, task: Any, bodies: list[tuple[Any, ...]]) -> list[Insert]:
    """Order a job's body, its state and, where there is one, the link to its parent."""
    columns, place = BODY, _state(vendor, task, bodies)
    if kept := hidden(task):
        columns, bodies = (*BODY, "sensitive"), [(*body, kept) for body in bodies]
    found = [Insert(table_of(Job, vendor), columns, bodies, ("enqueued_at",)), place]
    parent = current_job.get()
    if parent is not None:
        rows = [(body[0], parent.id) for body in bodies]
        table = table_of(JobLink, vendor)
        found.append(Insert(table, ("job_id", "parent_id"), rows))
    return found


def hidden(task: Any) -> str | None:
    """Return what a job is to keep of what its task calls sensitive."""
    mask = mask_of(task)
    return json.dumps(stored(mask)) if mask else None


def _state(vendor: Vendor, task: Any, bodies: list[tuple[Any, ...]]) -> Insert:
    rest = (task.queue_name, -int(task.priority), 1)
    if task.run_after is None:
        return ready(vendor, [(body[0], *rest) for body in bodies])
    due = vendor.to_database(task.run_after)
    return deferred(vendor, [(body[0], *rest, due) for body in bodies])


def ready(vendor: Vendor, rows: list[tuple[Any, ...]]) -> Insert:
    return Insert(table_of(ReadyJob, vendor), PLACE, rows, ("ready_at",))


def deferred(vendor: Vendor, rows: list[tuple[Any, ...]]) -> Insert:
    return Insert(table_of(DeferredJob, vendor), (*PLACE, "run_after"), rows)
