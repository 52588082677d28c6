"""Report: store what a running job tells of itself."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any
from uuid import UUID

from .. import payload
from ..models import Job, JobProgress
from ..results import Control, public
from ..vendors import Vendor
from ..vendors.refusals import hiding_rows


def facts(result: Any, limit: int, *, metadata: bool) -> dict[str, Any]:
    """Read what there is to store. Raise InvalidArguments for what is no JSON."""
    found: dict[str, Any] = {}
    if result.progress is not None:
        found["done"], found["total"] = result.progress
    if metadata:
        found["metadata"] = payload.normalize(result.metadata, "metadata")
        payload.dump(found["metadata"], "metadata", limit)
    return found


def store(alias: str, job_id: str, values: dict[str, Any], now: datetime) -> None:
    """Write the latest facts of a job; only the process that runs it does so.

    A job that is not kept may be gone by now, and nobody would prune its facts.
    """
    key = UUID(job_id)
    values = {**values, "saved_at": public(now)}
    rows = JobProgress.objects.using(alias)
    if rows.filter(job_id=key).update(**values):
        return
    if Job.objects.using(alias).filter(pk=key).exists():
        rows.create(job_id=key, **values)


def store_all(vendor: Vendor, reports: dict[str, Any]) -> None:
    """Write what running jobs told of themselves, then tell who waits for that."""

    def work() -> None:
        now = vendor.now()
        with vendor.atomic():
            for job_id, (values, _) in reports.items():
                store(vendor.connection.alias, job_id, values, now)

    with hiding_rows():
        vendor.persist(work)
    for _, waiting in reports.values():
        for event in waiting:
            event.set()


class InlineControl(Control):
    """What the context of a task reaches that runs on the caller's connection."""

    in_callers_thread = True

    def __init__(self, vendor: Vendor, job_id: str, max_payload: int) -> None:
        self._vendor = vendor
        self._job_id = job_id
        self._max_payload = max_payload
        self._unstored: dict[str, Any] = {}

    def report(self, result: Any, *, metadata: bool) -> None:
        self._unstored |= facts(result, self._max_payload, metadata=metadata)
        # A coroutine may not ask the database; what it tells is stored at its end.
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            self.flush()

    def flush(self) -> None:
        """Store what is not stored yet."""
        if self._unstored:
            values, self._unstored = self._unstored, {}
            now = self._vendor.now()
            store(self._vendor.connection.alias, self._job_id, values, now)
