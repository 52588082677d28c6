"""A job that holds HTML and script wherever text can stand."""

from __future__ import annotations

from uuid import UUID

from django.utils import timezone

from django_bgtasks.ids import uuid7
from django_bgtasks.models import (
    Attempt,
    Failure,
    FinishedJob,
    Job,
    JobLog,
    JobProgress,
    Process,
)

EVIL = "<script>alert(1)</script><img src=x onerror=alert(1)>"


def make_hostile_job() -> UUID:
    """Write the rows of a failed job, and return its id."""
    now = timezone.now()
    job = uuid7()
    Job.objects.create(
        id=job,
        task_path=f"shop.{EVIL}",
        backend="default",
        queue_name=EVIL,
        args=[EVIL, {EVIL: EVIL}],
        kwargs={EVIL: EVIL},
        metadata={EVIL: EVIL},
        enqueued_at=now,
    )
    FinishedJob.objects.create(
        job_id=job,
        outcome="failed",
        attempt=1,
        worker=EVIL,
        started_at=now,
        finished_at=now,
    )
    Attempt.objects.create(
        job_id=job,
        attempt=1,
        outcome="failed",
        worker=EVIL,
        started_at=now,
        finished_at=now,
        exception_class_path=f"shop.{EVIL}",
        traceback=(
            "Traceback (most recent call last):\n"
            f'  File "{EVIL}", line 1, in {EVIL}\n'
            f"    {EVIL}\n"
            f"shop.{EVIL}: {EVIL}\n"
        ),
    )
    Failure.objects.create(
        job_id=job,
        task_path=f"shop.{EVIL}",
        exception_class_path=f"shop.{EVIL}",
        failed_at=now,
    )
    JobLog.objects.create(job_id=job, attempt=1, text=f"{now} ERROR {EVIL}: {EVIL}")
    JobProgress.objects.create(job_id=job, metadata={EVIL: EVIL}, saved_at=now)
    Process.objects.create(
        kind="worker",
        name=EVIL,
        host=EVIL,
        pid=1,
        queues=EVIL,
        started_at=now,
        heartbeat_at=now,
    )
    return job
