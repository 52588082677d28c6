"""Everything that is known of one job."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from ..models import Attempt, Job, JobLink, JobLog, Process
from .jobs import JobLine, lines_of
from .masks import mask_for

# Jobs that a job enqueued, of which so many are shown.
MOST_CHILDREN = 50


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
    log: str = ""
    # Older records of its log for which there was no room.
    log_left_out: int = 0


@dataclass(frozen=True, slots=True)
class JobDetails:
    """A job with its state and its attempts, first to last.

    Its arguments, metadata and return value are as they may be shown.
    """

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
    schedule_id: int | None = None
    scheduled_for: datetime | None = None
    parent: UUID | None = None


_STATES = ("running", "ready", "deferred", "finished", "saved_progress", "link")


def read_job(alias: str, job_id: UUID) -> JobDetails | None:
    """Read a job, or None if there is none of that id."""
    jobs = Job.objects.using(alias).select_related(*_STATES)
    job: Any = jobs.filter(pk=job_id).first()
    if job is None:
        return None
    ready, deferred = getattr(job, "ready", None), getattr(job, "deferred", None)
    running, finished = getattr(job, "running", None), getattr(job, "finished", None)
    told = getattr(job, "saved_progress", None)
    link = getattr(job, "link", None)
    mask = mask_for(job.task_path, job.backend, job.sensitive)
    return JobDetails(
        id=job.pk,
        task=job.task_path,
        backend=job.backend,
        queue=job.queue_name,
        priority=job.priority,
        args=mask.args(job.args),
        kwargs=mask.kwargs(job.kwargs),
        metadata=mask.value((told and told.metadata) or job.metadata or {}),
        progress=(told.done, told.total) if told and told.done is not None else None,
        enqueued_at=job.enqueued_at,
        run_after=job.run_after,
        expires_at=job.expires_at,
        state=_state(job),
        due=ready.ready_at if ready else deferred.run_after if deferred else None,
        cancel_requested=bool(running and running.cancel_requested),
        finished_at=finished.finished_at if finished else None,
        kept_until=finished.keep_until if finished else None,
        return_value=mask.value(finished.return_value) if finished else None,
        attempts=_attempts(alias, job, running, finished),
        schedule_id=job.schedule_id,
        scheduled_for=job.scheduled_for,
        parent=link.parent_id if link else None,
    )


def read_children(alias: str, job_id: UUID) -> list[JobLine]:
    """Read the jobs that a job enqueued, latest first, up to MOST_CHILDREN and one."""
    rows = JobLink.objects.using(alias).filter(parent_id=job_id).order_by("-pk")
    some = list(rows.values_list("pk", flat=True)[: MOST_CHILDREN + 1])
    return lines_of(alias, some)


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
    logs = JobLog.objects.using(alias).filter(job_id=job.pk)
    for number, text, left_out in logs.values_list("attempt", "text", "left_out"):
        if number in found:
            found[number] = replace(found[number], log=text, log_left_out=left_out)
    return tuple(found[number] for number in sorted(found))
