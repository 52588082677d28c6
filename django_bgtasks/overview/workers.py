"""Which processes live, and what they have to do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count

from ..models import Process, RunningJob
from ..vendors import Vendor


@dataclass(frozen=True, slots=True)
class ProcessState:
    """A process by its row. It is ``alive`` while it was heard of lately."""

    id: int
    parent_id: int | None
    kind: str
    name: str
    host: str
    pid: int
    queues: tuple[str, ...]
    capacity: int
    running: int
    version: str
    started_at: datetime
    silent_for: timedelta
    alive: bool
    stopping: bool
    # Bytes; None where that is not known.
    memory: int | None = None

    @property
    def is_worker(self) -> bool:
        return self.kind == Process.Kind.WORKER.value


def read_processes(
    vendor: Vendor, rescue_after: timedelta, now: datetime | None = None
) -> list[ProcessState]:
    """Read the processes there are, by host and name.

    One that was silent for ``rescue_after`` is dead: its row waits to be found.
    """
    alias = vendor.connection.alias
    now = now or vendor.now()
    owned = RunningJob.objects.using(alias).values_list("process_id")
    running = dict(owned.annotate(Count("pk")))
    found = []
    for row in Process.objects.using(alias).order_by("host", "name", "pk"):
        heartbeat_at = vendor.from_database(row.heartbeat_at) or now
        silent_for = max(now - heartbeat_at, timedelta())
        found.append(
            ProcessState(
                id=row.pk,
                parent_id=row.parent_id,
                kind=row.kind,
                name=row.name,
                host=row.host,
                pid=row.pid,
                queues=tuple(filter(None, row.queues.split(","))),
                capacity=row.capacity,
                running=running.get(row.pk, 0),
                version=row.version,
                started_at=row.started_at,
                silent_for=silent_for,
                alive=silent_for < rescue_after,
                stopping=row.stop_requested,
                memory=row.memory,
            )
        )
    return found
