"""Figures over time, from the rollups that workers write and upkeep folds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db.models import Max, Sum

from ..models import Rollup
from ..results import public
from ..upkeep.fold import block
from ..vendors import Vendor

_RECENT = timedelta(minutes=5)
_NUMBERS = ("succeeded", "failed", "retried", "cancelled")


class Period(NamedTuple):
    """A span of time in steps, both in seconds. Rows are folded no coarser than a
    step while they are within it."""

    name: str
    seconds: int
    step: int


PERIODS = {
    each.name: each
    for each in (
        Period("hour", 3_600, 60),
        Period("day", 86_400, 600),
        Period("week", 604_800, 3_600),
    )
}


@dataclass(frozen=True, slots=True)
class Point:
    """What ended within a step. ``wait`` and ``run`` are seconds, means of those that
    ended; None where nothing did."""

    start_at: datetime
    succeeded: int = 0
    failed: int = 0
    retried: int = 0
    cancelled: int = 0
    wait: float | None = None
    longest_wait: float | None = None
    run: float | None = None

    @property
    def ended(self) -> int:
        return self.succeeded + self.failed + self.retried + self.cancelled


@dataclass(frozen=True, slots=True)
class Recent:
    """Of the last five minutes or a little more: attempts that ended per second, and
    how many jobs failed for good."""

    per_second: float = 0.0
    failed: int = 0


def read_points(
    vendor: Vendor,
    period: Period,
    queue: str | None = None,
    now: datetime | None = None,
) -> list[Point]:
    """Read the figures of all queues, or of one: a point for each step, oldest first.

    The last step is under way. ``now`` stands in for the database's clock.
    """
    last = block(now or vendor.now(), period.step)
    step = timedelta(seconds=period.step)
    first = last - timedelta(seconds=period.seconds) + step
    found: dict[datetime, list[Any]] = {}
    for start_at, *sums, longest in _sums(vendor, first, "start_at", queue):
        moment = vendor.from_database(start_at)
        assert moment is not None
        total = found.setdefault(block(moment, period.step), [0] * 7)
        for place, number in enumerate(sums):
            total[place] += number
        total[6] = max(total[6], longest)
    steps = [first + step * number for number in range(period.seconds // period.step)]
    return [_point(moment, found.get(moment)) for moment in steps]


def read_recent(vendor: Vendor, now: datetime) -> dict[str, Recent]:
    """Read what ended lately in each queue in which something did."""
    first = block(now - _RECENT, Rollup.Span.MINUTE)
    seconds = (now - first).total_seconds()
    return {
        name: Recent(sum(sums[:4]) / seconds, sums[1])
        for name, *sums in _sums(vendor, first, "queue_name")
    }


def _sums(
    vendor: Vendor, first: datetime, group: str, queue: str | None = None
) -> list[Any]:
    rows = Rollup.objects.using(vendor.connection.alias).order_by()
    # Of each span it is one range of the index.
    rows = rows.filter(span__in=Rollup.Span.values, start_at__gte=public(first))
    if queue is not None:
        rows = rows.filter(queue_name=queue)
    sums = [Sum(name) for name in (*_NUMBERS, "wait_sum", "run_sum")]
    return list(rows.values_list(group).annotate(*sums, Max("wait_max")))


def _point(start_at: datetime, total: list[Any] | None) -> Point:
    if total is None:
        return Point(start_at)
    numbers, (waits, runs, longest) = total[:4], total[4:]
    if not (ended := sum(numbers)):
        return Point(start_at)
    point = Point(start_at, wait=waits / ended, longest_wait=longest, run=runs / ended)
    return replace(point, **dict(zip(_NUMBERS, numbers, strict=True)))
