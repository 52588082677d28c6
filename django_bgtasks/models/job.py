"""A job's body and the tables that say where it stands.

A job is in exactly one of ReadyJob, DeferredJob, RunningJob and FinishedJob:
the state of a job is the table that holds its id. A foreign-key constraint
would lock the parent row and let writers wait for each other, so there is none;
the relations exist for joins only. Rows are moved by ``lifecycle`` and
``upkeep`` alone.
"""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from ..ids import uuid7
from .fields import JSONTextField, MomentField, job_key

# What the columns hold at most.
MOST_ATTEMPTS = 2**31 - 1
_LAST_RANK = 2**15 - 1


def _rank_of(priority: int) -> int:
    """Return the rank of a priority. One written by hand may be too low for any."""
    return min(-priority, _LAST_RANK)


class OutcomeKind(models.TextChoices):
    """How an attempt ended; every job finishes by one of the first five."""

    SUCCEEDED = "succeeded", _("Succeeded")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")
    EXPIRED = "expired", _("Expired")
    LOST = "lost", _("Lost")


class Job(models.Model):
    """The body: one call of a task, as asked for.

    It never changes, unless a person moves the job to another queue or priority.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    task_path = models.CharField(max_length=255)
    backend = models.CharField(max_length=64)
    queue_name = models.CharField(max_length=128)
    priority = models.SmallIntegerField(default=0)
    args = JSONTextField()
    kwargs = JSONTextField()
    metadata = JSONTextField(null=True)
    run_after = MomentField(null=True)
    expires_at = MomentField(null=True)
    enqueued_at = MomentField()
    # Of a job that a schedule enqueued: by which, and the moment that it was due.
    schedule_id = models.BigIntegerField(null=True)
    scheduled_for = MomentField(null=True)
    # What of it must not be shown, as its task said when it was enqueued: the task
    # may be gone, or be unknown where the job is looked at.
    sensitive = JSONTextField(null=True)

    class Meta:
        verbose_name = _("job")
        verbose_name_plural = _("jobs")
        permissions = (
            ("view_job_arguments", "Can view arguments and results of job"),
            ("retry_job", "Can retry job"),
            ("cancel_job", "Can cancel job"),
            ("run_job_now", "Can run deferred job now"),
            ("move_job", "Can change queue and priority of job"),
        )

    def __str__(self) -> str:
        return f"{self.task_path} {self.id}"

    def place(self, attempt: int) -> dict[str, Any]:
        """Return what a row of ReadyJob or DeferredJob says of the job and attempt."""
        return {
            "job_id": self.pk,
            "queue_name": self.queue_name,
            "rank": _rank_of(self.priority),
            "attempt": attempt,
        }


class ReadyJob(models.Model):
    """A job to be claimed. ``attempt`` is the number that the claim will make."""

    job = job_key("ready")
    queue_name = models.CharField(max_length=128)
    # The negative priority, so that one ascending index orders all of it.
    rank = models.SmallIntegerField()
    ready_at = MomentField()
    attempt = models.IntegerField(default=1)

    class Meta:
        indexes = (
            models.Index(
                fields=["queue_name", "rank", "ready_at", "job"],
                name="bgtasks_ready_claim",
            ),
        )
        verbose_name = _("ready job")
        verbose_name_plural = _("ready jobs")

    def __str__(self) -> str:
        return str(self.job_id)


class DeferredJob(models.Model):
    """A job to be made ready at ``run_after``: asked for later, or to be retried."""

    job = job_key("deferred")
    queue_name = models.CharField(max_length=128)
    rank = models.SmallIntegerField()
    run_after = MomentField(db_index=True)
    attempt = models.IntegerField(default=1)

    class Meta:
        verbose_name = _("deferred job")
        verbose_name_plural = _("deferred jobs")

    def __str__(self) -> str:
        return str(self.job_id)


class RunningJob(models.Model):
    """A job claimed by a process. To leave needs (job, attempt, process)."""

    job = job_key("running")
    process = models.ForeignKey(
        "Process",
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="running_jobs",
    )
    attempt = models.IntegerField()
    claimed_at = MomentField()
    cancel_requested = models.BooleanField(default=False)

    class Meta:
        verbose_name = _("running job")
        verbose_name_plural = _("running jobs")

    def __str__(self) -> str:
        return str(self.job_id)


class FinishedJob(models.Model):
    """The end of a job. Append-only; ``keep_until`` says when it may be pruned."""

    job = job_key("finished")
    outcome = models.CharField(max_length=10, choices=OutcomeKind.choices)
    attempt = models.IntegerField()
    worker = models.CharField(max_length=64, blank=True)
    started_at = MomentField(null=True)
    finished_at = MomentField()
    return_value = JSONTextField(null=True)
    keep_until = MomentField(null=True, db_index=True)

    class Meta:
        verbose_name = _("finished job")
        verbose_name_plural = _("finished jobs")

    def __str__(self) -> str:
        return str(self.job_id)


class Attempt(models.Model):
    """A try of a job that failed or was lost, or that an operator had repeated."""

    id = models.BigAutoField(primary_key=True)
    job = models.ForeignKey(
        Job,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="attempts",
    )
    attempt = models.IntegerField()
    outcome = models.CharField(max_length=10, choices=OutcomeKind.choices)
    worker = models.CharField(max_length=64, blank=True)
    started_at = MomentField(null=True)
    finished_at = MomentField()
    exception_class_path = models.CharField(max_length=255, blank=True)
    traceback = models.TextField(blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["job", "attempt"], name="bgtasks_attempt_once"
            ),
        )
        verbose_name = _("attempt")
        verbose_name_plural = _("attempts")

    def __str__(self) -> str:
        return f"{self.job_id} #{self.attempt}"


class JobProgress(models.Model):
    """What a job has told of itself while it ran; a row only for jobs that do."""

    job = job_key("saved_progress")
    metadata = JSONTextField(null=True)
    done = models.FloatField(null=True)
    total = models.FloatField(null=True)
    saved_at = MomentField()

    class Meta:
        verbose_name = _("job progress")
        verbose_name_plural = _("job progress")

    def __str__(self) -> str:
        return str(self.job_id)
