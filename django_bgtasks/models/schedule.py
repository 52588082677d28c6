"""Periodic tasks: what people want (Schedule), what beats worked out (Plan), Tick.

A Schedule is written by people and by declarations in code, a Plan by beats. They
are two tables so that neither overwrites the other: saving the admin's form never
undoes a run that a beat has noted meanwhile.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import models
from django.utils.translation import gettext_lazy as _

from .fields import JSONTextField, MentionedJobField, MomentField


def no_args() -> list[Any]:
    return []


def no_kwargs() -> dict[str, Any]:
    return {}


class Timing(models.Model):
    """When a schedule is due: what a Plan is worked out from, and keeps a copy of."""

    class Kind(models.TextChoices):
        CRONTAB = "crontab", _("Crontab")
        INTERVAL = "interval", _("Interval")
        CLOCKED = "clocked", _("Once, at a time")
        SOLAR = "solar", _("Solar event")

    enabled = models.BooleanField(_("enabled"), default=True)
    kind = models.CharField(
        _("kind"), max_length=10, choices=Kind.choices, default=Kind.CRONTAB
    )
    crontab = models.CharField(_("crontab"), max_length=255, blank=True)
    timezone = models.CharField(_("time zone"), max_length=64, default="UTC")
    every = models.DurationField(_("every"), null=True, blank=True)
    # Moments of an interval are at this time and at multiples of ``every`` after it;
    # without one at ``start_at``, or else at the epoch, 1970 in UTC.
    anchor_at = MomentField(_("counted from"), null=True, blank=True)
    clocked_at = MomentField(_("at"), null=True, blank=True)
    solar_event = models.CharField(_("solar event"), max_length=24, blank=True)
    latitude = models.DecimalField(
        _("latitude"), max_digits=9, decimal_places=6, null=True, blank=True
    )
    longitude = models.DecimalField(
        _("longitude"), max_digits=9, decimal_places=6, null=True, blank=True
    )
    start_at = MomentField(_("start"), null=True, blank=True)
    end_at = MomentField(_("end"), null=True, blank=True)
    backend = models.CharField(_("backend"), max_length=64, default="default")

    class Meta:
        abstract = True


TIMING_FIELDS = tuple(field.name for field in Timing._meta.local_fields)


class Schedule(Timing):
    """A periodic task, as people want it: when, what, and with which arguments."""

    class Origin(models.TextChoices):
        ADMIN = "admin", _("By hand")
        CODE = "code", _("@periodic")
        SETTINGS = "settings", _("Settings")

    class Missed(models.TextChoices):
        SKIP = "skip", _("Skip")
        RUN_ONCE = "run_once", _("Run once")
        RUN_ALL = "run_all", _("Run all")

    class Overlap(models.TextChoices):
        ALLOW = "allow", _("Allow")
        SKIP = "skip", _("Skip")
        QUEUE_ONE = "queue_one", _("Queue one")

    id = models.BigAutoField(primary_key=True)
    name = models.CharField(_("name"), max_length=200, unique=True)
    description = models.TextField(_("description"), blank=True)
    task_path = models.CharField(_("task"), max_length=255)
    args = JSONTextField(_("positional arguments"), default=no_args, blank=True)
    kwargs = JSONTextField(_("keyword arguments"), default=no_kwargs, blank=True)
    # None and "" leave these to the task.
    queue_name = models.CharField(_("queue"), max_length=128, blank=True)
    priority = models.SmallIntegerField(_("priority"), null=True, blank=True)
    expires = models.DurationField(_("expires after"), null=True, blank=True)
    jitter = models.DurationField(_("jitter"), null=True, blank=True)
    metadata = JSONTextField(_("metadata"), null=True, blank=True)
    missed = models.CharField(
        _("missed runs"), max_length=10, choices=Missed.choices, default=Missed.RUN_ONCE
    )
    grace = models.DurationField(_("grace"), null=True, blank=True)
    overlap = models.CharField(
        _("overlap"), max_length=10, choices=Overlap.choices, default=Overlap.ALLOW
    )
    origin = models.CharField(
        _("origin"),
        max_length=10,
        choices=Origin.choices,
        default=Origin.ADMIN,
        editable=False,
    )
    # Of a declared one: whether its timing may be changed here, whether it was, since
    # when its declaration is gone, and whether it was enabled until then.
    timing_editable = models.BooleanField(default=True, editable=False)
    timing_edited = models.BooleanField(default=False, editable=False)
    undeclared_at = MomentField(null=True, editable=False)
    was_enabled = models.BooleanField(default=False, editable=False)

    class Meta:
        ordering = ("name",)
        verbose_name = _("schedule")
        verbose_name_plural = _("schedules")
        permissions = (("run_schedule", "Can run schedule now"),)

    def __str__(self) -> str:
        return self.name

    @property
    def is_declared(self) -> bool:
        """Whether it comes from code or settings, which then say what it does."""
        return self.origin != self.Origin.ADMIN


class Plan(Timing):
    """What beats worked out of a schedule, and the timing that they knew.

    Where the timing differs from the schedule's, by whatever way that was edited,
    the next beat that looks works it out anew.
    """

    schedule = models.OneToOneField(
        Schedule,
        primary_key=True,
        on_delete=models.CASCADE,
        db_constraint=False,
        related_name="plan",
    )
    planned_at = MomentField(null=True)
    next_run_at = MomentField(null=True)
    # When a beat must look at it: at the next run, or soon while ``held_for`` is set.
    wake_at = MomentField(null=True, db_index=True)
    # A due moment whose job waits for the job before it (Overlap.QUEUE_ONE).
    held_for = MomentField(null=True)
    # The latest due moment that a beat saw, whatever became of it.
    last_due_at = MomentField(null=True)
    last_run_at = MomentField(null=True)
    last_job_id = MentionedJobField(null=True)
    run_count = models.BigIntegerField(default=0)
    # Why no next run could be worked out, in words.
    error = models.TextField(blank=True)

    class Meta:
        verbose_name = _("plan")
        verbose_name_plural = _("plans")

    def __str__(self) -> str:
        return str(self.schedule_id)

    def count_run(self, job_id: UUID, moment: datetime) -> None:
        """Note a job that was enqueued at ``moment``, by a beat or by hand."""
        self.last_job_id = job_id
        self.last_run_at = moment
        self.run_count += 1


class Tick(models.Model):
    """A due moment of a schedule and what became of it; there is one of each."""

    class Outcome(models.TextChoices):
        ENQUEUED = "enqueued", _("Enqueued")
        WAITING = "waiting", _("Waiting")
        OVERLAPPED = "overlapped", _("Left out: still running")
        MISSED = "missed", _("Missed")
        REFUSED = "refused", _("Refused")

    id = models.BigAutoField(primary_key=True)
    schedule = models.ForeignKey(
        Schedule,
        on_delete=models.CASCADE,
        db_constraint=False,
        db_index=False,
        related_name="ticks",
    )
    due_at = MomentField(_("due"))
    ticked_at = MomentField(_("seen"), db_index=True)
    outcome = models.CharField(_("outcome"), max_length=10, choices=Outcome.choices)
    by_hand = models.BooleanField(_("by hand"), default=False)
    job_id = MentionedJobField(_("job"), null=True)
    detail = models.TextField(_("detail"), blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["schedule", "due_at"], name="bgtasks_tick_once"
            ),
        )
        verbose_name = _("tick")
        verbose_name_plural = _("ticks")

    def __str__(self) -> str:
        return f"{self.schedule_id} {self.due_at}"
