"""Everything that is known of one job."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from ..models import Attempt, Job, Process


@dataclass(frozen=True, slots=True)
class Try:
    """An attempt that is over, or is under way (its outcome is then None)."""

    attempt: int
    outcome: str | None
    worker: str
    started_at: datetime | None
    finished_at: datetime | None
    exception: str
    traceback: str


@dataclass(frozen=True, slots=True)
class JobDetails:
    """A job with its state and its attempts, first to last."""

    id: UUID
    task: str
    backend: str
    queue: str
    priority: int
    args: Any
    kwargs: Any
    metadata: dict[str, Any]
    progress: tuple[float, float | None] | None
    enqueued_at: datetime
    run_after: datetime | None
    expires_at: datetime | None
    state: str
    # When it was or will be ready to be run (again); None of the others.
    due: datetime | None
    cancel_requested: bool
    finished_at: datetime | None
    kept_until: datetime | None
    return_value: Any
    attempts: tuple[Try, ...]


_STATES = ("running", "ready", "deferred", "finished", "saved_progress")


def read_job(alias: str, job_id: UUID) -> JobDetails | None:
    """Read a job, or None if there is none of that id."""
    jobs = Job.objects.using(alias).select_related(*_STATES)
    job: Any = jobs.filter(pk=job_id).first()
    if job is None:
        return None
    ready, deferred = getattr(job, "ready", None), getattr(job, "deferred", None)
    running, finished = getattr(job, "running", None), getattr(job, "finished", None)
    told = getattr(job, "saved_progress", None)
    return JobDetails(
        id=job.pk,
        task=job.task_path,
        backend=job.backend,
        queue=job.queue_name,
        priority=job.priority,
        args=job.args,
        kwargs=job.kwargs,
        metadata=(told and told.metadata) or job.metadata or {},
        progress=(told.done, told.total) if told and told.done is not None else None,
        enqueued_at=job.enqueued_at,
        run_after=job.run_after,
        expires_at=job.expires_at,
        state=_state(job),
        due=ready.ready_at if ready else deferred.run_after if deferred else None,
        cancel_requested=bool(running and running.cancel_requested),
        finished_at=finished.finished_at if finished else None,
        kept_until=finished.keep_until if finished else None,
        return_value=finished.return_value if finished else None,
        attempts=_attempts(alias, job, running, finished),
    )


def _state(job: Any) -> str:
    if hasattr(job, "finished"):
        return str(job.finished.outcome)
    return next(
        (word for word in ("running", "ready", "deferred") if hasattr(job, word)),
        "nowhere",
    )


def _attempts(alias: str, job: Any, running: Any, finished: Any) -> tuple[Try, ...]:
    rows = Attempt.objects.using(alias).filter(job_id=job.pk).order_by("attempt")
    found = {
        row.attempt: Try(
            attempt=row.attempt,
            outcome=row.outcome,
            worker=row.worker,
            started_at=row.started_at,
            finished_at=row.finished_at,
            exception=row.exception_class_path,
            traceback=row.traceback,
        )
        for row in rows
    }
    if running:
        # A process whose row was deleted still has its jobs until they are rescued.
        processes = Process.objects.using(alias).filter(pk=running.process_id)
        worker = processes.values_list("name", flat=True).first() or ""
        found[running.attempt] = Try(
            running.attempt, None, worker, running.claimed_at, None, "", ""
        )
    elif finished and finished.started_at and finished.attempt not in found:
        # An attempt that succeeded leaves no row of its own.
        found[finished.attempt] = Try(
            finished.attempt,
            finished.outcome,
            finished.worker,
            finished.started_at,
            finished.finished_at,
            "",
            "",
        )
    return tuple(found[number] for number in sorted(found))
