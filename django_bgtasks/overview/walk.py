"""Going through all jobs that a search means: to count, to change or to export them.

From the oldest on, by id, so that what has been done to one is never undone by
meeting it again, and jobs that are enqueued meanwhile can be left out.
"""

from __future__ import annotations

import time
from typing import NamedTuple
from uuid import UUID

from .counts import MOST, Count, bounded
from .search import fitting, rows_for
from .terms import Terms

BATCH = 500
# Jobs that are looked at for a batch, and for a count, at a time.
_WINDOW = 20_000


class Batch(NamedTuple):
    """Ids of jobs, and the id after which the next batch begins; None at the end."""

    ids: list[UUID]
    after: UUID | None


def next_batch(
    alias: str, terms: Terms, until: UUID, after: UUID | None, size: int = BATCH
) -> Batch:
    """Return up to ``size`` jobs after an id and up to another.

    There may be none although more follow: no more than a window is looked at.
    """
    rows = rows_for(alias, terms)
    every = rows.all.filter(pk__lte=until)
    some = rows.wanted.filter(pk__lte=until)
    if after is not None:
        every, some = every.filter(pk__gt=after), some.filter(pk__gt=after)
    edge = None
    if not rows.direct:
        ordered = every.order_by("pk").values_list("pk", flat=True)
        edge = next(iter(ordered[_WINDOW - 1 : _WINDOW]), None)
        some = some if edge is None else some.filter(pk__lte=edge)
    ids, last = fitting(rows, some, terms, size, newest_first=False)
    return Batch(ids, last if last is not None else edge)


def count_jobs(
    alias: str, terms: Terms, most: int = MOST, seconds: float = 0.5
) -> Count:
    """Count the jobs that are meant, for so long; texts are counted where they are
    found, though one may turn out to be hidden."""
    rows = rows_for(alias, terms)
    if rows.direct:
        return bounded(rows.wanted, most)
    end, number, after = time.monotonic() + seconds, 0, None
    while True:
        every, some = rows.all, rows.wanted
        if after is not None:
            every, some = every.filter(pk__lt=after), some.filter(pk__lt=after)
        ordered = every.order_by("-pk").values_list("pk", flat=True)
        after = next(iter(ordered[_WINDOW - 1 : _WINDOW]), None)
        some = some if after is None else some.filter(pk__gte=after)
        number += some.order_by()[: most + 1 - number].count()
        if after is None:
            return Count(min(number, most), number <= most)
        if number > most or time.monotonic() > end:
            return Count(min(number, most), exact=False)
