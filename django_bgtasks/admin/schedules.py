from __future__ import annotations

from django.contrib import admin

from ..models import Schedule


@admin.register(Schedule)
class ScheduleAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("name", "task_path", "enabled")
