"""The least that each part of a site must be allowed to do to the tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..models import (
    Attempt,
    DeferredJob,
    Failure,
    FinishedJob,
    Job,
    JobLink,
    JobLog,
    JobProgress,
    Plan,
    Process,
    Queue,
    ReadyJob,
    Rollup,
    RunningJob,
    Schedule,
    Tick,
)

_PRIVILEGES = {"s": "SELECT", "i": "INSERT", "u": "UPDATE", "d": "DELETE"}

# By the first letters of what is allowed. A row that is locked needs "u".
ROLES: dict[str, dict[Any, str]] = {
    # Enqueues jobs, and reads what becomes of them and how the queues stand.
    "web": {
        **dict.fromkeys((Job, ReadyJob, DeferredJob, JobLink), "si"),
        **dict.fromkeys((RunningJob, FinishedJob, Attempt, JobProgress), "s"),
        # For the names of workers, and for a monitor's view of the queues.
        **dict.fromkeys((Process, Queue), "s"),
    },
    # Runs them: workers and their supervisors, and what tasks do to other jobs.
    "worker": {
        **dict.fromkeys((Job, ReadyJob, DeferredJob, RunningJob), "siud"),
        **dict.fromkeys((FinishedJob, Attempt, Failure, JobProgress), "siud"),
        **dict.fromkeys((JobLink, JobLog, Process, Rollup), "siud"),
        Queue: "s",
        Tick: "sud",
    },
    # Enqueues what schedules want, apart from workers.
    "beat": {
        **dict.fromkeys((Schedule, Plan), "siud"),
        **dict.fromkeys((Job, ReadyJob, DeferredJob), "si"),
        **dict.fromkeys((RunningJob, FinishedJob), "s"),
        Tick: "siu",
        Process: "siud",
    },
    # Looks at all of it, and acts on jobs, queues and schedules.
    "admin": {
        **dict.fromkeys((Job, ReadyJob, DeferredJob, FinishedJob), "siud"),
        **dict.fromkeys((Attempt, Failure, JobLink), "siud"),
        **dict.fromkeys((JobProgress, JobLog), "sud"),
        **dict.fromkeys((RunningJob, Process), "su"),
        **dict.fromkeys((Schedule, Plan, Tick), "siud"),
        Queue: "siu",
        Rollup: "s",
    },
}
# Workers and beats look whether a migration is missing before they start.
_MIGRATIONS = "django_migrations"


def grants(part: str, role: str, quote: Any) -> Iterator[str]:
    """Yield the statements that let a database role do the work of a part."""
    for model, letters in ROLES[part].items():
        words = ", ".join(_PRIVILEGES[letter] for letter in letters)
        yield f"GRANT {words} ON {quote(model._meta.db_table)} TO {quote(role)};"
    if part in ("worker", "beat"):
        yield f"GRANT SELECT ON {quote(_MIGRATIONS)} TO {quote(role)};"
