"""How many jobs come in, from their ids: those are ordered by time."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

from ..ids import uuid7_floor
from ..models import Job
from ..vendors import Vendor

SAMPLE = 2_000
_RECENT = timedelta(minutes=5)
_SHORTEST = 0.001


def read_arrivals(vendor: Vendor, now: datetime) -> dict[str, float]:
    """Read how many jobs per second were enqueued in each queue lately.

    Over the last five minutes; where that is more than SAMPLE jobs, over the time of
    the last so many. Jobs that are not kept are not seen once they have ended.
    """
    rows = Job.objects.using(vendor.connection.alias)
    newest = rows.filter(pk__gte=uuid7_floor(now - _RECENT)).order_by("-pk")
    found = list(newest.values_list("pk", "queue_name")[:SAMPLE])
    seconds = _RECENT.total_seconds()
    if len(found) == SAMPLE:
        # The first 48 bits are milliseconds.
        oldest = (found[-1][0].int >> 80) / 1000
        seconds = min(seconds, max(now.timestamp() - oldest, _SHORTEST))
    numbers = Counter(name for _, name in found)
    return {name: number / seconds for name, number in numbers.items()}
