"""Which jobs there are: by state, queue and task."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from ..models import (
    DeferredJob,
    FinishedJob,
    Job,
    OutcomeKind,
    ReadyJob,
    RunningJob,
)
from .counts import MOST, Count

READY, DEFERRED, RUNNING, FINISHED = "ready", "deferred", "running", "finished"
OUTCOMES = tuple(OutcomeKind.values)
# The words for where a job stands; an outcome is a finer word for finished.
STATES = (READY, DEFERRED, RUNNING, FINISHED, *OUTCOMES)
UNFINISHED = (READY, DEFERRED, RUNNING)

BATCH = 500


@dataclass(frozen=True, slots=True)
class Choice:
    """Which jobs are meant: those in any of the states (all, if none is named),
    of one queue, of one task."""

    states: tuple[str, ...] = ()
    queue: str | None = None
    task: str | None = None


@dataclass(frozen=True, slots=True)
class JobLine:
    """A job in a list. ``attempt`` is the last one begun, or the next of a job that
    waits; ``at`` is when it was made ready, is due, was claimed, or finished."""

    id: UUID
    state: str
    task: str
    queue: str
    priority: int
    attempt: int
    at: datetime
    enqueued_at: datetime


@dataclass(frozen=True, slots=True)
class _Table:
    state: str
    model: Any
    moment: str
    order: tuple[str, ...]
    # A job's queue, in a column of the table's own where it has one.
    queue: str = "job__queue_name"


_TABLES = (
    _Table(RUNNING, RunningJob, "claimed_at", ("claimed_at", "pk")),
    _Table(
        READY,
        ReadyJob,
        "ready_at",
        ("queue_name", "rank", "ready_at", "pk"),
        "queue_name",
    ),
    _Table(DEFERRED, DeferredJob, "run_after", ("run_after", "pk"), "queue_name"),
    _Table(FINISHED, FinishedJob, "finished_at", ("-pk",)),
)


def read_jobs(alias: str, choice: Choice, limit: int) -> list[JobLine]:
    """Read up to ``limit`` jobs.

    Running ones come first, longest first; then the ready and the deferred, next
    first; then the finished, latest enqueued first. Without a state: all jobs,
    latest enqueued first.
    """
    if not choice.states:
        return _newest(alias, choice, limit)
    found: list[JobLine] = []
    for table, rows in _rows(alias, choice):
        found += _lines(table, rows, choice, limit - len(found))
        if len(found) >= limit:
            break
    return found


_BODY = ("job__task_path", "job__queue_name", "job__priority", "job__enqueued_at")


def _lines(table: _Table, rows: Any, choice: Choice, limit: int) -> list[JobLine]:
    order = list(table.order)
    if choice.queue is not None and table.queue in order:
        # It says nothing of one queue, and keeps MariaDB from using the index.
        order.remove(table.queue)
    outcome = ("outcome",) if table.state == FINISHED else ()
    columns = ("pk", *_BODY, "attempt", table.moment, *outcome)
    some = rows.order_by(*order).values_list(*columns)[:limit]
    return [
        JobLine(
            id=pk,
            state=word[0] if word else table.state,
            task=task,
            queue=queue,
            priority=priority,
            attempt=attempt,
            at=at,
            enqueued_at=enqueued_at,
        )
        for pk, task, queue, priority, enqueued_at, attempt, at, *word in some
    ]


def count(alias: str, choice: Choice, most: int = MOST) -> Count:
    """Count the jobs in the chosen states, up to ``most``."""
    found = 0
    for _, rows in _rows(alias, choice):
        found += rows.order_by()[: most + 1 - found].count()
        if found > most:
            return Count(most, exact=False)
    return Count(found)


def batches(
    alias: str, choice: Choice, size: int = BATCH, until: UUID | None = None
) -> Iterator[list[UUID]]:
    """Yield the ids of the jobs in the chosen states, ``size`` at a time.

    The jobs of each batch may be moved before the next is asked for. Jobs that
    are enqueued after a state was begun are left out, so that it has an end; with
    ``until``, those whose ids are greater.
    """
    # Backwards: so a job that moves on meanwhile is met in its next state.
    for _, rows in reversed(list(_rows(alias, choice))):
        pks = rows.order_by("pk").values_list("pk", flat=True)
        if until is not None:
            pks = pks.filter(pk__lte=until)
        last = pks.reverse().first()
        batch: list[UUID] = []
        while last is not None:
            after = pks.filter(pk__gt=batch[-1]) if batch else pks
            batch = list(after.filter(pk__lte=last)[:size])
            if not batch:
                break
            yield batch


def state_of(alias: str, job_ids: list[UUID]) -> dict[UUID, str]:
    """Return where jobs stand; ids of no job are left out."""
    rows = Job.objects.using(alias).filter(pk__in=job_ids).values("pk", *_STATE)
    return {row["pk"]: _state(row)[0] for row in rows}


def _rows(alias: str, choice: Choice) -> Iterator[tuple[_Table, Any]]:
    outcomes = [state for state in choice.states if state in OUTCOMES]
    for table in _TABLES:
        whole = table.state in choice.states or not choice.states
        if not whole and not (table.state == FINISHED and outcomes):
            continue
        rows = table.model.objects.using(alias)
        if not whole:
            rows = rows.filter(outcome__in=outcomes)
        if choice.queue is not None:
            rows = rows.filter(**{table.queue: choice.queue})
        if choice.task is not None:
            rows = rows.filter(job__task_path=choice.task)
        yield table, rows


_STATE = (
    "running__attempt",
    "running__claimed_at",
    "ready__attempt",
    "ready__ready_at",
    "deferred__attempt",
    "deferred__run_after",
    "finished__attempt",
    "finished__finished_at",
    "finished__outcome",
)


_LINE = ("pk", "task_path", "queue_name", "priority", "enqueued_at", *_STATE)


def _newest(alias: str, choice: Choice, limit: int) -> list[JobLine]:
    rows = Job.objects.using(alias).order_by("-pk")
    if choice.queue is not None:
        rows = rows.filter(queue_name=choice.queue)
    if choice.task is not None:
        rows = rows.filter(task_path=choice.task)
    return [_line(row) for row in rows.values(*_LINE)[:limit]]


def lines_of(alias: str, job_ids: Collection[UUID]) -> list[JobLine]:
    """Read these jobs, latest enqueued first; ids of no job are left out."""
    rows = Job.objects.using(alias).filter(pk__in=job_ids).values(*_LINE)
    return sorted(map(_line, rows), key=lambda line: line.id, reverse=True)


def _line(row: dict[str, Any]) -> JobLine:
    state, attempt, at = _state(row)
    return JobLine(
        id=row["pk"],
        state=state,
        task=row["task_path"],
        queue=row["queue_name"],
        priority=row["priority"],
        attempt=attempt,
        at=at or row["enqueued_at"],
        enqueued_at=row["enqueued_at"],
    )


def _state(row: dict[str, Any]) -> tuple[str, int, datetime | None]:
    """Return the state of a job, its attempt and the moment that goes with it."""
    for table in _TABLES:
        attempt = row[f"{table.state}__attempt"]
        if attempt is not None:
            word = row["finished__outcome"] if table.state == FINISHED else table.state
            return word, attempt, row[f"{table.state}__{table.moment}"]
    # Its state was deleted by hand; nothing will ever run it.
    return "nowhere", 0, None
