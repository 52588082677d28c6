"""Prune the history of schedules: ticks whose retention has passed."""

from __future__ import annotations

from datetime import datetime, timedelta

from ..models import Tick
from ..results import public
from ..vendors import Vendor

BATCH = 500


def prune_ticks(
    vendor: Vendor,
    retention: timedelta | None,
    limit: int = BATCH,
    now: datetime | None = None,
) -> int:
    """Delete up to ``limit`` ticks seen longer ago, oldest first; return how many.

    None keeps them for ever. No moment can become due again by that: a plan only
    ever goes on to later ones. ``now`` stands in for the database's clock.
    """
    if retention is None:
        return 0
    rows = Tick.objects.using(vendor.connection.alias)
    old = rows.filter(ticked_at__lt=public((now or vendor.now()) - retention))
    if not old.exists():
        return 0

    def work() -> int:
        with vendor.atomic():
            some = vendor.skip_taken(old.order_by("ticked_at"))
            ids = list(some.values_list("pk", flat=True)[:limit])
            if ids:
                rows.filter(pk__in=ids).delete()
            return len(ids)

    return vendor.persist(work)
