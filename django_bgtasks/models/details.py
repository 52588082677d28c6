"""What is kept beside a job for the people who look after it."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from .fields import MentionedJobField, MomentField, job_key
from .job import Job


class JobLink(models.Model):
    """A job that another job enqueued; a row only for those."""

    job = job_key("link")
    # The parent may be gone, or be kept in another database.
    parent_id = MentionedJobField(db_index=True)

    class Meta:
        default_permissions = ()
        verbose_name = _("job link")
        verbose_name_plural = _("job links")

    def __str__(self) -> str:
        return f"{self.parent_id} -> {self.job_id}"


class JobLog(models.Model):
    """What an attempt wrote through ``logging``, where that is captured."""

    id = models.BigAutoField(primary_key=True)
    job = models.ForeignKey(
        Job,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="logs",
    )
    attempt = models.IntegerField()
    text = models.TextField()
    # Older records for which there was no room.
    left_out = models.IntegerField(default=0)

    class Meta:
        default_permissions = ()
        indexes = (models.Index(fields=["job", "attempt"], name="bgtasks_log_job"),)
        verbose_name = _("job log")
        verbose_name_plural = _("job logs")

    def __str__(self) -> str:
        return f"{self.job_id} #{self.attempt}"


class Failure(models.Model):
    """A finished job that failed, was lost or expired; gone when it is retried.

    It says nothing that other tables do not, but says it by index: without it,
    the few that failed would have to be looked for among all that succeeded.
    """

    job = job_key("failure")
    task_path = models.CharField(max_length=255)
    exception_class_path = models.CharField(max_length=255, blank=True)
    failed_at = MomentField(db_index=True)

    class Meta:
        default_permissions = ()
        indexes = (
            models.Index(
                fields=["task_path", "exception_class_path", "job"],
                name="bgtasks_failure_group",
            ),
        )
        verbose_name = _("failure")
        verbose_name_plural = _("failures")

    def __str__(self) -> str:
        return f"{self.task_path} {self.exception_class_path}"
