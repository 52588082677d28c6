"""How full the queues are."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count as SQLCount

from ..models import DeferredJob, Queue, ReadyJob, RunningJob, table_of
from ..vendors import Vendor
from .counts import MOST, Count, bounded

# Below every rank there is, since priorities end at 100.
_LOWEST_RANK = -1_000


@dataclass(frozen=True, slots=True)
class QueueState:
    """A queue at one moment. ``waiting_for`` is how long its oldest job has been
    due without being started; None if none is."""

    name: str
    ready: Count
    running: int
    deferred: Count
    waiting_for: timedelta | None
    paused_at: datetime | None


def known_queues(vendor: Vendor, configured: set[str]) -> set[str]:
    """Return the names in the settings, of rows in Queue, and of ready jobs."""
    rows = Queue.objects.using(vendor.connection.alias)
    with_jobs = vendor.queues(table_of(ReadyJob, vendor))
    return {*configured, *with_jobs, *rows.values_list("name", flat=True)}


def read_queues(
    vendor: Vendor, configured: set[str], most: int = MOST
) -> list[QueueState]:
    """Read every queue that is configured, paused or has jobs, by name.

    Ready jobs are counted per queue up to ``most``, deferred ones in all.
    """
    alias = vendor.connection.alias
    now = vendor.now()
    running = _running(alias)
    deferred, overdue, exact = _deferred(vendor, now, most)
    paused = dict(Queue.objects.using(alias).values_list("name", "paused_at"))
    names = {*known_queues(vendor, configured), *running, *deferred}
    found = []
    for name in sorted(names):
        ready = ReadyJob.objects.using(alias).filter(queue_name=name)
        waits = [_longest_wait(vendor, ready, now), overdue.get(name)]
        found.append(
            QueueState(
                name=name,
                ready=bounded(ready, most),
                running=running[name],
                deferred=Count(deferred[name], exact),
                waiting_for=max((wait for wait in waits if wait), default=None),
                paused_at=paused.get(name),
            )
        )
    return found


def _running(alias: str) -> Counter[str]:
    # No more jobs run than the workers have room for.
    rows = RunningJob.objects.using(alias).values_list("job__queue_name")
    return Counter(dict(rows.annotate(SQLCount("pk"))))


def _deferred(
    vendor: Vendor, now: datetime, most: int
) -> tuple[Counter[str], dict[str, timedelta], bool]:
    """Count deferred jobs, earliest first; find how long due ones have waited.

    Due jobs are promoted by the workers, so without one they wait here.
    """
    rows = DeferredJob.objects.using(vendor.connection.alias).order_by("run_after")
    some = rows.values_list("queue_name", "run_after")[: most + 1]
    numbers: Counter[str] = Counter()
    overdue: dict[str, timedelta] = {}
    for number, (name, run_after) in enumerate(some.iterator(), 1):
        if number > most:
            return numbers, overdue, False
        numbers[name] += 1
        due = vendor.from_database(run_after)
        if due is not None and due < now:
            overdue.setdefault(name, now - due)
    return numbers, overdue, True


def _longest_wait(vendor: Vendor, ready: Any, now: datetime) -> timedelta | None:
    """One look at the index for each priority in use: rank by rank, the first."""
    rows = ready.order_by("rank", "ready_at", "job_id").values_list("rank", "ready_at")
    rank, oldest = _LOWEST_RANK, None
    while head := rows.filter(rank__gt=rank).first():
        rank, ready_at = head[0], vendor.from_database(head[1])
        if oldest is None or (ready_at and ready_at < oldest):
            oldest = ready_at
    return None if oldest is None else max(now - oldest, timedelta())
