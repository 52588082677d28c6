"""What is being done now, and what is due next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from ..models import Plan, RunningJob
from ..vendors import Vendor
from .queues import of_body

# No more jobs run than the workers have room for, but that may be thousands.
MOST_RUNNING = 500


@dataclass(frozen=True, slots=True)
class RunningLine:
    """A job that a process has claimed."""

    id: UUID
    task: str
    queue: str
    process_id: int
    attempt: int
    claimed_at: datetime
    running_for: timedelta
    cancel_requested: bool


@dataclass(frozen=True, slots=True)
class DueLine:
    """A schedule and its next moment, which may have passed if no beat runs."""

    schedule_id: int
    name: str
    task: str
    next_run_at: datetime
    due_in: timedelta

    @property
    def overdue(self) -> bool:
        return self.due_in < timedelta()


def read_running(
    vendor: Vendor, now: datetime, most: int = MOST_RUNNING
) -> list[RunningLine]:
    """Read up to ``most`` running jobs, those that run longest first."""
    rows = RunningJob.objects.using(vendor.connection.alias).order_by("claimed_at")
    rows = rows.annotate(task=of_body("task_path"), queue=of_body("queue_name"))
    columns = ("task", "queue", "process_id", "attempt")
    found = []
    for pk, task, queue, process, attempt, claimed_at, cancelled in rows.values_list(
        "pk", *columns, "claimed_at", "cancel_requested"
    )[:most]:
        since = vendor.from_database(claimed_at) or now
        length = max(now - since, timedelta())
        found.append(
            RunningLine(
                *(pk, task or "", queue or "", process, attempt),
                *(since, length, cancelled),
            )
        )
    return found


def read_due(vendor: Vendor, now: datetime, most: int = 5) -> list[DueLine]:
    """Read the schedules that are due next, the first of them first."""
    plans = Plan.objects.using(vendor.connection.alias)
    plans = plans.filter(next_run_at__isnull=False).order_by("next_run_at")
    columns = ("schedule_id", "schedule__name", "schedule__task_path", "next_run_at")
    found = []
    for pk, name, task, moment in plans.values_list(*columns)[:most]:
        due = vendor.from_database(moment)
        assert due is not None
        found.append(DueLine(pk, name, task, due, due - now))
    return found
