from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from .fields import MomentField


class Process(models.Model):
    """A live supervisor, worker or beat. Its row ends with it.

    A row whose heartbeat is older than OPTIONS["RESCUE_AFTER"], by the
    database's clock, belongs to a dead process; its jobs are rescued.
    """

    class Kind(models.TextChoices):
        SUPERVISOR = "supervisor", _("Supervisor")
        WORKER = "worker", _("Worker")
        BEAT = "beat", _("Beat")

    id = models.BigAutoField(primary_key=True)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    # Unique while it lives; results keep it as the worker's id.
    name = models.CharField(max_length=64)
    host = models.CharField(max_length=255)
    pid = models.IntegerField()
    # The supervisor of a worker.
    parent_id = models.BigIntegerField(null=True)
    queues = models.TextField(blank=True)
    capacity = models.IntegerField(default=0)
    version = models.CharField(max_length=32, blank=True)
    started_at = MomentField()
    heartbeat_at = MomentField(db_index=True)
    stop_requested = models.BooleanField(default=False)
    # Bytes resident at the last heartbeat.
    memory = models.BigIntegerField(null=True)

    class Meta:
        permissions = (("manage_process", "Can ask process to stop"),)
        verbose_name = _("process")
        verbose_name_plural = _("processes")

    def __str__(self) -> str:
        return self.name
