from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from .fields import MomentField


class Rollup(models.Model):
    """How the attempts of a queue ended within a span of time: numbers for charts.

    Workers append rows as they write outcomes, several for one minute and queue;
    upkeep adds rows up, into longer and longer spans. Rows of all spans have to be
    read together, and those of one queue and moment to be added up.
    """

    class Span(models.IntegerChoices):
        """Seconds that a row covers; of the first it is a part of its minute."""

        PART = 0, _("Part of a minute")
        MINUTE = 60, _("Minute")
        TEN_MINUTES = 600, _("Ten minutes")
        HOUR = 3600, _("Hour")

    id = models.BigAutoField(primary_key=True)
    span = models.SmallIntegerField(choices=Span.choices)
    # The beginning of the minute, the ten minutes or the hour.
    start_at = MomentField()
    queue_name = models.CharField(max_length=128)
    succeeded = models.IntegerField(default=0)
    # Ended for good: failed, expired or lost.
    failed = models.IntegerField(default=0)
    retried = models.IntegerField(default=0)
    cancelled = models.IntegerField(default=0)
    # Seconds from when a job was ready until its attempt began, and from there on.
    wait_sum = models.FloatField(default=0.0)
    wait_max = models.FloatField(default=0.0)
    run_sum = models.FloatField(default=0.0)

    class Meta:
        indexes = (
            models.Index(fields=["span", "start_at"], name="bgtasks_rollup_span"),
        )
        default_permissions = ()
        verbose_name = _("rollup")
        verbose_name_plural = _("rollups")

    def __str__(self) -> str:
        return f"{self.queue_name} {self.start_at} {self.span}"
