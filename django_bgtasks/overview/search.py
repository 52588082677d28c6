"""Finding jobs among millions, a page at a time, at a bounded cost.

Pages are walked by id, which is by the time of the enqueue, from the latest on.
What an index answers is read at once. Anything else is looked for in windows of so
many jobs; a search that has not filled its page within these says how far it got,
and goes on from there when it is asked to.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from inspect import signature
from typing import Any
from uuid import UUID

from django.db.models.functions import Left

from .. import registry
from ..exceptions import UnknownTask
from .jobs import (
    RUNNING,
    JobLine,
    lines_of,
)
from .masks import mask_for
from .rows import LAST, TEXTS, Rows, rows_for
from .terms import Terms

PAGE = 50
# How many jobs a search looks at before it asks whether to go on, and for how many
# seconds it begins another window.
WINDOWS = (2_000, 8_000, 20_000)
SMALL_WINDOWS = (200, 2_000, 6_000)
SECONDS = 0.08
# Of a text, its beginning.
_BEGINNING = 100_000


@dataclass(slots=True)
class Page:
    """Jobs, latest enqueued first. ``older`` is where the next page begins.

    Where the search was ``cut`` short, there may be more before that: ``looked``
    jobs were looked at.
    """

    lines: list[JobLine] = field(default_factory=list)
    older: UUID | None = None
    cut: bool = False
    looked: int = 0


def find(
    alias: str,
    terms: Terms,
    before: UUID | None = None,
    limit: int = PAGE,
    *,
    windows: Sequence[int] | None = None,
    seconds: float = SECONDS,
) -> Page:
    """Find a page of jobs, those before an id if one is given."""
    rows = rows_for(alias, terms)
    page = Page()
    ids: list[UUID] = []
    high = before or LAST
    if rows.direct:
        ids = list(_pks(rows.wanted.filter(pk__lt=high))[: limit + 1])
    else:
        sizes = windows or (SMALL_WINDOWS if rows.sparse else WINDOWS)
        _look(rows, terms, high, limit, page, ids, sizes, seconds)
    if len(ids) > limit:
        ids = ids[:limit]
        page.older, page.cut = ids[-1], False
    if terms.worker and not terms.state and before is None:
        # What runs is not among the finished ones, of which the pages are.
        ids += _running_on(alias, terms, limit)
    page.lines = lines_of(alias, ids) if ids else []
    return page


def _running_on(alias: str, terms: Terms, limit: int) -> list[UUID]:
    rows = rows_for(alias, replace(terms, state=RUNNING))
    return fitting(rows, rows.wanted, terms, limit)[0]


def _look(
    rows: Rows,
    terms: Terms,
    high: UUID,
    limit: int,
    page: Page,
    ids: list[UUID],
    windows: Sequence[int],
    seconds: float,
) -> None:
    end = time.monotonic() + seconds
    for size in windows:
        some, edge = rows.before(high, size)
        page.looked += size
        found, last = fitting(rows, some, terms, limit + 1 - len(ids))
        ids += found
        # As many as were read have the text, but not all where it may be seen. That
        # must not be told by a page that ends here.
        while last is not None and len(ids) <= limit:
            if time.monotonic() > end:
                page.older, page.cut = last, True
                return
            rest = some.filter(pk__lt=last)
            found, last = fitting(rows, rest, terms, limit + 1 - len(ids))
            ids += found
        if len(ids) > limit:
            return
        if edge is None:
            page.older, page.cut = None, False
            return
        high = page.older = edge
        page.cut = True
        if time.monotonic() > end:
            return


def fitting(
    rows: Rows, some: Any, terms: Terms, room: int, *, newest_first: bool = True
) -> tuple[list[UUID], UUID | None]:
    """Return the ids that fit, and the last id read if there was no room for more."""
    ordered = some.order_by("-pk" if newest_first else "pk")
    if not terms.searched:
        ids = list(ordered.values_list("pk", flat=True)[:room])
        return ids, ids[-1] if len(ids) == room else None
    texts = [Left(f"{name}_text", _BEGINNING) for name in TEXTS]
    columns = [f"{rows.body}{name}" for name in ("task_path", "backend", "sensitive")]
    read = list(ordered.values_list("pk", *columns, *texts)[:room])
    ids = [
        pk
        for pk, path, backend, kept, *found in read
        if terms.fits(mask_for(path, backend, kept), tuple(found), _parameters(path))
    ]
    return ids, read[-1][0] if len(read) == room else None


def _pks(rows: Any) -> Any:
    return rows.order_by("-pk").values_list("pk", flat=True)


def _parameters(path: str) -> tuple[str, ...]:
    """Return the names of a task's positional arguments; none if it is not known."""
    try:
        task = registry.resolve(path)
    except UnknownTask:
        return ()
    names = tuple(signature(task.func).parameters)
    return names[1:] if task.takes_context else names
