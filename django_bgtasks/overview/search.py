"""Finding jobs among millions, a page at a time, at a bounded cost.

Pages are walked by id, which is by the time of the enqueue, from the latest on.
What an index answers is read at once. Anything else is looked for in windows of so
many jobs; a search that has not filled its page within these says how far it got,
and goes on from there when it is asked to.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from inspect import signature
from typing import Any
from uuid import UUID

from django.db.models import ExpressionWrapper, F, Q, TextField
from django.db.models.functions import Left

from .. import registry
from ..exceptions import UnknownTask
from ..ids import uuid7_floor
from ..models import DeferredJob, Failure, FinishedJob, Job, ReadyJob, RunningJob, Tick
from .jobs import (
    DEFERRED,
    FINISHED,
    OUTCOMES,
    READY,
    RUNNING,
    JobLine,
    lines_of,
)
from .masks import mask_for
from .terms import Terms

FAILURES = "failures"
FAILED = ("failed", "lost", "expired")
PAGE = 50
# How many jobs a search looks at before it asks whether to go on, and for how many
# seconds it begins another window.
WINDOWS = (2_000, 8_000, 20_000)
SECONDS = 0.08
# Of a schedule, its latest jobs; of a text, its beginning.
_LATEST = 1_000
_BEGINNING = 100_000
_FEW = 5_000
_TEXTS = ("args", "kwargs", "metadata")
_MODELS = {
    READY: ReadyJob,
    DEFERRED: DeferredJob,
    RUNNING: RunningJob,
    FINISHED: FinishedJob,
}


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


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows to be walked: ``all`` of them, and those that fit (``wanted``).

    ``direct`` says that an index leads from one that fits to the next.
    """

    all: Any
    wanted: Any
    direct: bool
    # The way to the job's body.
    body: str


def find(
    alias: str,
    terms: Terms,
    before: UUID | None = None,
    limit: int = PAGE,
    *,
    windows: Sequence[int] = WINDOWS,
    seconds: float = SECONDS,
) -> Page:
    """Find a page of jobs, those before an id if one is given."""
    rows = rows_for(alias, terms)
    page = Page()
    ids: list[UUID] = []
    if rows.direct:
        ids = list(_pks(_before(rows.wanted, before))[: limit + 1])
    else:
        _look(rows, terms, before, limit, page, ids, windows, seconds)
    if len(ids) > limit:
        ids = ids[:limit]
        page.older, page.cut = ids[-1], False
    page.lines = lines_of(alias, ids) if ids else []
    return page


def _look(
    rows: Rows,
    terms: Terms,
    before: UUID | None,
    limit: int,
    page: Page,
    ids: list[UUID],
    windows: Sequence[int],
    seconds: float,
) -> None:
    end = time.monotonic() + seconds
    for size in windows:
        edges = _pks(_before(rows.all, before))[size - 1 : size]
        edge = next(iter(edges), None)
        some = _before(rows.wanted, before)
        some = some if edge is None else some.filter(pk__gte=edge)
        page.looked += size
        room = limit + 1 - len(ids)
        found, last = fitting(rows, some, terms, room)
        ids += found
        if len(ids) > limit:
            return
        if last is not None:
            # As many as were read have the text, but not where it may be seen.
            page.older, page.cut = last, True
            return
        if edge is None:
            page.older, page.cut = None, False
            return
        before = page.older = edge
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
    texts = [Left(f"{name}_text", _BEGINNING) for name in _TEXTS]
    columns = [f"{rows.body}{name}" for name in ("task_path", "backend", "sensitive")]
    read = list(ordered.values_list("pk", *columns, *texts)[:room])
    ids = [
        pk
        for pk, path, backend, kept, *found in read
        if terms.fits(mask_for(path, backend, kept), tuple(found), _parameters(path))
    ]
    return ids, read[-1][0] if len(read) == room else None


def rows_for(alias: str, terms: Terms) -> Rows:
    """Choose the table to walk for these terms, and narrow it."""
    model, state = _table(terms)
    body = "" if model is Job else "job__"
    rows = model._default_manager.using(alias).filter(_range(alias, model, terms))
    wanted, direct = rows.filter(**state), not state
    grouped = model is Failure and "." in terms.exception and bool(terms.task)
    if terms.task:
        name = "task_path" if model is Failure else f"{body}task_path"
        wanted, direct = wanted.filter(**{name: terms.task}), grouped
    if terms.exception:
        wanted, direct = wanted.filter(_exception(model, terms.exception)), grouped
    if terms.queue:
        own = model in (ReadyJob, DeferredJob)
        name = "queue_name" if own else f"{body}queue_name"
        wanted, direct = wanted.filter(**{name: terms.queue}), False
    if terms.worker:
        wanted, direct = wanted.filter(_worker(model, terms.worker)), False
    if terms.searched:
        wanted, direct = _with_text(wanted, body, terms.searched), False
    elif terms.schedule is not None:
        direct = True
    return Rows(rows, wanted, direct, body)


def _table(terms: Terms) -> tuple[Any, dict[str, str]]:
    """Return the table for a state, and the condition that is left of it."""
    if terms.state == FAILURES or (terms.exception and not terms.state):
        return Failure, {}
    if terms.state in FAILED:
        return Failure, {"job__finished__outcome": terms.state}
    if terms.state in OUTCOMES:
        return FinishedJob, {"outcome": terms.state}
    return _MODELS.get(terms.state, Job), {}


def _range(alias: str, model: Any, terms: Terms) -> Q:
    """Return the conditions that the id alone answers."""
    found = Q()
    if terms.since:
        found &= Q(pk__gte=uuid7_floor(terms.since))
    if terms.until:
        found &= Q(pk__lt=uuid7_floor(terms.until))
    if terms.ids:
        found &= Q(pk__range=terms.ids)
    if terms.schedule is not None:
        ticks = Tick.objects.using(alias).filter(schedule_id=terms.schedule)
        jobs = ticks.exclude(job_id=None).order_by("-due_at")
        found &= Q(pk__in=list(jobs.values_list("job_id", flat=True)[:_LATEST]))
    if model is ReadyJob and terms.queue:
        rows = ReadyJob.objects.using(alias).filter(queue_name=terms.queue)
        few = list(_unordered(rows)[: _FEW + 1])
        if len(few) <= _FEW:
            found &= Q(pk__in=few)
    return found


def _exception(model: Any, name: str) -> Q:
    column = {Failure: "exception_class_path", Job: "failure__exception_class_path"}
    path = column.get(model, "job__failure__exception_class_path")
    if "." in name:
        return Q(**{path: name})
    return Q(**{path: name}) | Q(**{f"{path}__endswith": f".{name}"})


def _worker(model: Any, name: str) -> Q:
    if model is FinishedJob:
        return Q(worker=name)
    if model is RunningJob:
        return Q(process__name=name)
    body = "" if model is Job else "job__"
    return Q(**{f"{body}finished__worker": name}) | Q(
        **{f"{body}running__process__name": name}
    )


def _with_text(rows: Any, body: str, text: str) -> Any:
    # As text: the columns themselves take JSON, and would turn what is looked for
    # into it.
    found = Q()
    for name in _TEXTS:
        column = ExpressionWrapper(F(f"{body}{name}"), TextField())
        rows = rows.annotate(**{f"{name}_text": column})
        found |= Q(**{f"{name}_text__icontains": text})
    return rows.filter(found)


def _before(rows: Any, before: UUID | None) -> Any:
    return rows if before is None else rows.filter(pk__lt=before)


def _pks(rows: Any) -> Any:
    return rows.order_by("-pk").values_list("pk", flat=True)


def _unordered(rows: Any) -> Any:
    return rows.order_by().values_list("pk", flat=True)


def _parameters(path: str) -> tuple[str, ...]:
    """Return the names of a task's positional arguments; none if it is not known."""
    try:
        task = registry.resolve(path)
    except UnknownTask:
        return ()
    names = tuple(signature(task.func).parameters)
    return names[1:] if task.takes_context else names
