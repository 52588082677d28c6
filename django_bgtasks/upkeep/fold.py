"""Fold: add figures up into longer spans, and forget the old, so that they stay few."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from django.db.models import Q

from ..models import Rollup
from ..results import public
from ..vendors import Vendor

BATCH = 2_000
SUMS = ("succeeded", "failed", "retried", "cancelled", "wait_sum", "run_sum")


class Step(NamedTuple):
    """Rows of a span become rows of a longer one, so long after they began."""

    source: Rollup.Span
    target: Rollup.Span
    after: timedelta


# Workers write what belongs to a minute some seconds after its end.
STEPS = (
    Step(Rollup.Span.PART, Rollup.Span.MINUTE, timedelta(seconds=75)),
    Step(Rollup.Span.MINUTE, Rollup.Span.TEN_MINUTES, timedelta(hours=2)),
    Step(Rollup.Span.TEN_MINUTES, Rollup.Span.HOUR, timedelta(days=2)),
)
KEPT = timedelta(days=35)


def fold(vendor: Vendor, limit: int = BATCH, now: datetime | None = None) -> bool:
    """Do each step for up to ``limit`` rows; tell whether there may be more.

    Any number of processes may do so at once: rows that another has are skipped.
    ``now`` stands in for the database's clock.
    """
    moment = now or vendor.now()
    if not _anything_due(vendor, moment):
        return False
    full = [_fold(vendor, step, moment, limit) for step in STEPS]
    hours = _rows(vendor, Rollup.Span.HOUR, moment - KEPT)
    vendor.persist(hours.delete)
    return any(full)


def block(moment: datetime, seconds: int) -> datetime:
    """Return the beginning of the span of so many seconds that a moment is in."""
    stamp = int(moment.timestamp())
    return datetime.fromtimestamp(stamp - stamp % seconds, UTC)


def _anything_due(vendor: Vendor, now: datetime) -> bool:
    due = Q(span=Rollup.Span.HOUR, start_at__lt=public(now - KEPT))
    for step in STEPS:
        due |= Q(span=step.source, start_at__lt=public(_before(step, now)))
    return Rollup.objects.using(vendor.connection.alias).filter(due).exists()


def _before(step: Step, now: datetime) -> datetime:
    # Whole spans only, so that each is written about once.
    return block(now - step.after, step.target)


def _rows(vendor: Vendor, span: Rollup.Span, before: datetime) -> Any:
    rows = Rollup.objects.using(vendor.connection.alias)
    return rows.filter(span=span, start_at__lt=public(before))


def _fold(vendor: Vendor, step: Step, now: datetime, limit: int) -> bool:
    due = _rows(vendor, step.source, _before(step, now)).order_by("start_at")

    def work() -> int:
        with vendor.atomic():
            rows = list(vendor.skip_taken(due)[:limit])
            if rows:
                alias = vendor.connection.alias
                Rollup.objects.using(alias).bulk_create(_summed(vendor, step, rows))
                keys = [row.pk for row in rows]
                Rollup.objects.using(alias).filter(pk__in=keys).delete()
            return len(rows)

    return vendor.persist(work) == limit


def _summed(vendor: Vendor, step: Step, rows: Iterable[Rollup]) -> Iterable[Rollup]:
    sums: dict[tuple[str, datetime], Rollup] = {}
    for row in rows:
        start_at = vendor.from_database(row.start_at)
        assert start_at is not None
        start_at = block(start_at, step.target)
        total = sums.get((row.queue_name, start_at))
        if total is None:
            total = sums[row.queue_name, start_at] = Rollup(
                span=step.target, start_at=public(start_at), queue_name=row.queue_name
            )
        for name in SUMS:
            setattr(total, name, getattr(total, name) + getattr(row, name))
        total.wait_max = max(total.wait_max, row.wait_max)
    return sums.values()
