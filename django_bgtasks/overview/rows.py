"""Which rows are to be walked for what people search, and how to look at a part."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import ExpressionWrapper, F, Q, TextField

from ..ids import uuid7_floor
from ..models import DeferredJob, Failure, FinishedJob, Job, ReadyJob, RunningJob, Tick
from .jobs import DEFERRED, FINISHED, OUTCOMES, READY, RUNNING
from .terms import Terms

FAILURES = "failures"
FAILED = ("failed", "lost", "expired")
TEXTS = ("args", "kwargs", "metadata")
# Ids before and after all there are.
FIRST, LAST = UUID(int=0), UUID(int=2**128 - 1)
# Of a schedule, its latest jobs; of a queue, as many ready ones are but few.
_LATEST = 1_000
_FEW = 2_000
_MODELS = {
    READY: ReadyJob,
    DEFERRED: DeferredJob,
    RUNNING: RunningJob,
    FINISHED: FinishedJob,
}


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows to be walked: ``all`` of them, and those that fit (``wanted``).

    ``direct`` says that an index leads from one that fits to the next. Otherwise
    the rows of one window after the other are looked at. ``body`` is the way to
    the job's body, ``joined`` the tables whose columns are looked at as well.
    ``sparse`` ones lie far apart among all jobs.
    """

    all: Any
    wanted: Any
    direct: bool = False
    body: str = ""
    joined: tuple[str, ...] = ()
    sparse: bool = False

    def before(self, high: UUID, size: int) -> tuple[Any, UUID | None]:
        """Return those that fit among the ``size`` rows before an id, and the first
        id of these; None if there are no more before them."""
        every = self.all.filter(pk__lt=high).order_by("-pk")
        some, edge = self._window(every, size)
        return self._fitting(some, edge or FIRST, high), edge

    def after(self, low: UUID, until: UUID, size: int) -> tuple[Any, UUID | None]:
        """Return those that fit among the ``size`` rows from an id on, and the last
        id of these; None if that was all up to ``until``."""
        every = self.all.filter(pk__gte=low, pk__lte=until).order_by("pk")
        some, edge = self._window(every, size)
        return self._fitting(some, low, UUID(int=(edge or until).int + 1)), edge

    def _window(self, every: Any, size: int) -> tuple[list[UUID], UUID | None]:
        ids = every.values_list("pk", flat=True)
        if not self.sparse:
            return [], next(iter(ids[size - 1 : size]), None)
        some = list(ids[:size])
        return some, some[-1] if len(some) == size else None

    def _fitting(self, some: list[UUID], low: UUID, high: UUID) -> Any:
        if self.sparse:
            return self.wanted.filter(pk__in=some)
        found = self.wanted.filter(pk__gte=low, pk__lt=high)
        # Each table is told the range. From one to the other a planner does not
        # conclude it, and would rather read all of a table than look up a window.
        for table in self.joined:
            bounds = {f"{table}__pk__gte": low, f"{table}__pk__lt": high}
            found = found.filter(**bounds)
        return found


def rows_for(alias: str, terms: Terms) -> Rows:
    """Choose the table to walk for these terms, and narrow it."""
    model, outcome = _table(terms)
    rows = model._default_manager.using(alias).filter(_range(alias, model, terms))
    asked = {
        name
        for name in ("task", "queue", "worker", "exception", "searched")
        if getattr(terms, name)
    } | ({"outcome"} if outcome else set())
    direct = not asked or (
        terms.schedule is not None and not terms.searched and model is Job
    )
    if asked <= _OWN[model]:
        grouped = asked == {"task", "exception"} and "." in terms.exception
        wanted = _narrow(rows, terms, outcome, _COLUMNS[model], "")
        return Rows(rows, wanted, direct or grouped, "" if model is Job else "job__")
    if model is RunningJob:
        # Few run at a time.
        columns = {each: f"job__{name}" for each, name in _COLUMNS[Job].items()}
        wanted = _narrow(rows, terms, outcome, columns | _COLUMNS[model], "job__")
        return Rows(rows, wanted, body="job__")
    bodies = Job.objects.using(alias).filter(_range(alias, model, terms))
    wanted = _narrow(bodies, terms, outcome, _COLUMNS[Job], "")
    tables = {_RELATIONS[each] for each in asked if each in _RELATIONS}
    joined = tuple(sorted(tables | ({_STATES[model]} if model is not Job else set())))
    for table in joined:
        wanted = wanted.filter(**{f"{table}__isnull": False})
    sparse = model in (ReadyJob, DeferredJob, Failure)
    return Rows(rows, wanted, direct, joined=joined, sparse=sparse)


# Which columns answer which terms, by the table that is walked; and what is joined
# to a body to have them.
_COLUMNS: dict[Any, dict[str, str]] = {
    Job: {
        "task": "task_path",
        "queue": "queue_name",
        "worker": "finished__worker",
        "outcome": "finished__outcome",
        "exception": "failure__exception_class_path",
    },
    ReadyJob: {"queue": "queue_name"},
    DeferredJob: {"queue": "queue_name"},
    RunningJob: {"worker": "process__name"},
    FinishedJob: {"worker": "worker", "outcome": "outcome"},
    Failure: {"task": "task_path", "exception": "exception_class_path"},
}
_OWN = {
    Job: {"task", "queue", "searched"},
    **{each: set(_COLUMNS[each]) for each in _COLUMNS if each is not Job},
}
_RELATIONS = {"worker": "finished", "outcome": "finished", "exception": "failure"}
_STATES = {
    ReadyJob: "ready",
    DeferredJob: "deferred",
    FinishedJob: "finished",
    Failure: "failure",
}


def _narrow(
    rows: Any, terms: Terms, outcome: str, columns: Mapping[str, str], body: str
) -> Any:
    values = {
        "task": terms.task,
        "queue": terms.queue,
        "worker": terms.worker,
        "outcome": outcome,
    }
    for name, value in values.items():
        if value:
            rows = rows.filter(**{columns[name]: value})
    if terms.exception:
        rows = rows.filter(_exception(columns["exception"], terms.exception))
    return _with_text(rows, body, terms.searched) if terms.searched else rows


def _table(terms: Terms) -> tuple[Any, str]:
    """Return the table to walk, and the outcome if that is not all of a state."""
    if terms.state == FAILURES or (terms.exception and not terms.state):
        return Failure, ""
    if terms.state in FAILED:
        return Failure, terms.state
    if terms.state in OUTCOMES:
        return FinishedJob, terms.state
    if terms.worker and not terms.state:
        return FinishedJob, ""
    return _MODELS.get(terms.state, Job), ""


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


def _exception(column: str, name: str) -> Q:
    if "." in name:
        return Q(**{column: name})
    return Q(**{column: name}) | Q(**{f"{column}__endswith": f".{name}"})


def _with_text(rows: Any, body: str, text: str) -> Any:
    # As text: the columns themselves take JSON, and would turn what is looked for
    # into it.
    found = Q()
    for name in TEXTS:
        column = ExpressionWrapper(F(f"{body}{name}"), TextField())
        rows = rows.annotate(**{f"{name}_text": column})
        found |= Q(**{f"{name}_text__icontains": text})
    return rows.filter(found)


def _unordered(rows: Any) -> Any:
    return rows.order_by().values_list("pk", flat=True)
