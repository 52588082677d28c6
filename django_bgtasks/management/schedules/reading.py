"""What is shown of schedules."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from typing import Any

from ...models import Plan, Schedule
from ...overview.jobs import state_of
from ...periodic.decide import upcoming
from ...periodic.plans import same_timing
from ...periodic.timings import aware, timing_of, window_of, words


@dataclass(frozen=True, slots=True)
class Line:
    """A schedule in a list. ``problem`` says why it is not due, if it should be."""

    name: str
    words: str
    timezone: str
    next_run: datetime | None
    last_run: datetime | None
    last_job: str | None
    last_job_state: str | None
    origin: str
    enabled: bool
    task: str
    backend: str
    problem: str


def read_lines(alias: str, now: datetime) -> list[Line]:
    """Return all schedules of a database, by name, in three statements."""
    rows = list(Schedule.objects.using(alias).order_by("name"))
    plans = {plan.pk: plan for plan in Plan.objects.using(alias).all()}
    jobs = [plan.last_job_id for plan in plans.values() if plan.last_job_id]
    states = state_of(alias, jobs)
    return [_line(row, plans.get(row.pk), states, now) for row in rows]


def find(alias: str, names: list[str]) -> list[Schedule]:
    """Return the schedules of these names, in their order.

    Raise LookupError that says of each unknown one what may have been meant.
    """
    rows = {
        row.name: row for row in Schedule.objects.using(alias).filter(name__in=names)
    }
    missing = [name for name in dict.fromkeys(names) if name not in rows]
    if missing:
        known = Schedule.objects.using(alias).values_list("name", flat=True)
        raise LookupError("\n".join(_unknown(name, list(known)) for name in missing))
    return [rows[name] for name in dict.fromkeys(names)]


def next_runs(row: Schedule, now: datetime, count: int) -> list[datetime]:
    """Return the next runs of a schedule as if it were enabled.

    Raise ValueError or ImportError where its timing cannot be worked out.
    """
    return upcoming(timing_of(row), now, count, *window_of(row))


def _line(row: Schedule, plan: Plan | None, states: Any, now: datetime) -> Line:
    job = plan.last_job_id if plan else None
    following, problem = _next(row, plan, now)
    return Line(
        name=row.name,
        words=words(row),
        timezone=row.timezone,
        next_run=following,
        last_run=aware(plan.last_run_at) if plan else None,
        last_job=str(job) if job else None,
        last_job_state=states.get(job, "pruned") if job else None,
        origin=row.origin,
        enabled=row.enabled,
        task=row.task_path,
        backend=row.backend,
        problem=problem,
    )


def _next(
    row: Schedule, plan: Plan | None, now: datetime
) -> tuple[datetime | None, str]:
    if not row.enabled:
        return None, ""
    if plan is not None and same_timing(plan, row):
        return aware(plan.next_run_at), plan.error
    # No beat has seen it as it is now.
    try:
        found = next_runs(row, now, 1)
    except (ValueError, ImportError) as error:
        return None, str(error)
    return (found[0] if found else None), ""


def _unknown(name: str, known: list[str]) -> str:
    near = get_close_matches(name, known, 1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return f"There is no schedule {name!r}.{hint}"
