"""Going through all jobs that a search means: to count, to change or to export them.

From the oldest on, by id, so that what has been done to one is never undone by
meeting it again, and jobs that are enqueued meanwhile can be left out.
"""

from __future__ import annotations

import time
from typing import NamedTuple
from uuid import UUID

from .counts import MOST, Count, bounded
from .rows import FIRST, LAST, Rows, rows_for
from .search import fitting
from .terms import Terms

BATCH = 500
# Jobs that are looked at for a batch, and for a count, at a time; fewer where their
# ids have to be named.
_WINDOW, _SMALL_WINDOW = 20_000, 2_000


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
    low = UUID(int=after.int + 1) if after is not None else FIRST
    if rows.direct:
        some, edge = rows.wanted.filter(pk__gte=low, pk__lte=until), None
    else:
        some, edge = rows.after(low, until, _window(rows))
    ids, last = fitting(rows, some, terms, size, newest_first=False)
    return Batch(ids, last if last is not None else edge)


def count_jobs(
    alias: str, terms: Terms, most: int = MOST, seconds: float = 0.5
) -> Count:
    """Count the jobs that are meant, for so long. What is hidden is not found here
    either: a number would tell what it is."""
    rows = rows_for(alias, terms)
    if rows.direct:
        return bounded(rows.wanted, most)
    end, number, high = time.monotonic() + seconds, 0, LAST
    while True:
        some, edge = rows.before(high, _window(rows))
        if terms.searched:
            ids, last = fitting(rows, some, terms, BATCH)
            number, edge = number + len(ids), last or edge
        else:
            number += some.order_by()[: most + 1 - number].count()
        if edge is None:
            return Count(min(number, most), number <= most)
        if number > most or time.monotonic() > end:
            return Count(min(number, most), exact=False)
        high = edge


def _window(rows: Rows) -> int:
    return _SMALL_WINDOW if rows.sparse else _WINDOW
