from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from ..models import Schedule
from .base import database

_MOST = 200


class _ValuesFilter(admin.SimpleListFilter):
    """Offers the values that a column of the schedules has."""

    column = ""

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, Any]]:
        rows = Schedule.objects.using(database()).order_by(self.column)
        values = rows.values_list(self.column, flat=True).distinct()[:_MOST]
        return [(value or "-", self.name_of(value)) for value in values]

    def name_of(self, value: str) -> Any:
        return value

    def queryset(self, request: Any, queryset: Any) -> Any:
        value = self.value()
        if value is None:
            return queryset
        return queryset.filter(**{self.column: "" if value == "-" else value})


class TaskFilter(_ValuesFilter):
    title = _("task")
    parameter_name = column = "task_path"


class QueueFilter(_ValuesFilter):
    title = _("queue")
    parameter_name = "queue"
    column = "queue_name"

    def name_of(self, value: str) -> Any:
        return value or _("The task's own")
