"""How full the queues are."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count as SQLCount
from django.db.models import OuterRef, Subquery

from ..models import DeferredJob, Job, Queue, ReadyJob, RunningJob, table_of
from ..vendors import Vendor
from .counts import MOST, Count

_CLAIM_INDEX = "bgtasks_ready_claim"


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

    @property
    def waits(self) -> bool:
        """Whether any job waits here, ready or deferred."""
        return bool(self.ready.number or self.deferred.number)


def known_queues(vendor: Vendor, configured: set[str]) -> set[str]:
    """Return the names in the settings, of rows in Queue, and of ready jobs."""
    rows = Queue.objects.using(vendor.connection.alias)
    with_jobs = vendor.queues(table_of(ReadyJob, vendor))
    return {*configured, *with_jobs, *rows.values_list("name", flat=True)}


def read_queues(
    vendor: Vendor,
    configured: set[str],
    most: int = MOST,
    now: datetime | None = None,
) -> list[QueueState]:
    """Read every queue that is configured, paused or has jobs, by name.

    Ready jobs are counted per queue up to ``most``, deferred ones in all.
    """
    alias = vendor.connection.alias
    now = now or vendor.now()
    running = _running(alias)
    deferred, since, exact = _deferred(vendor, most)
    paused = dict(Queue.objects.using(alias).values_list("name", "paused_at"))
    ready = table_of(ReadyJob, vendor)
    for name, ready_at in vendor.heads(ready, _CLAIM_INDEX):
        since[name] = min(ready_at, since.get(name, ready_at))
    names = sorted({*configured, *paused, *running, *deferred, *since})
    depths = vendor.depths(ready, _CLAIM_INDEX, names, most)
    return [
        QueueState(
            name=name,
            ready=Count(min(depths[name], most), depths[name] <= most),
            running=running[name],
            deferred=Count(min(deferred[name], most), exact),
            waiting_for=_wait(now, since.get(name)),
            paused_at=paused.get(name),
        )
        for name in names
    ]


def _running(alias: str) -> Counter[str]:
    # No more jobs run than the workers have room for.
    rows = RunningJob.objects.using(alias).annotate(queue=of_body("queue_name"))
    numbers = rows.values_list("queue").annotate(SQLCount("pk"))
    return Counter({name: number for name, number in numbers if name is not None})


def of_body(column: str) -> Subquery:
    """A column of a row's job, looked up by its key.

    Of a join, without statistics of the small table, planners read the large one.
    """
    return Subquery(Job.objects.filter(pk=OuterRef("pk")).values(column))


def _deferred(
    vendor: Vendor, most: int
) -> tuple[Counter[str], dict[str, datetime], bool]:
    """Count deferred jobs, earliest first; find since when the first is due.

    Due jobs are promoted by the workers, so without one they wait here.
    """
    table = table_of(DeferredJob, vendor)
    rows = vendor.first_of_each(table, "run_after", most)
    numbers = Counter({name: number for name, number, _ in rows})
    exact = numbers.total() <= most
    return numbers, {name: run_after for name, _, run_after in rows}, exact


def _wait(now: datetime, since: datetime | None) -> timedelta | None:
    return now - since if since is not None and since < now else None
