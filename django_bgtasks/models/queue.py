from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from .fields import MomentField


class Queue(models.Model):
    """What is set of a queue by its operators. A queue needs no row to exist."""

    name = models.CharField(primary_key=True, max_length=128)
    paused_at = MomentField(null=True, blank=True)

    class Meta:
        permissions = (
            ("pause_queue", "Can pause and resume queue"),
            ("purge_queue", "Can purge queue"),
        )
        verbose_name = _("queue")
        verbose_name_plural = _("queues")

    def __str__(self) -> str:
        return self.name
