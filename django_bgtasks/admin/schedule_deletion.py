"""Deleting schedules: those by hand, and declared ones whose declaration is gone."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.actions import delete_selected
from django.contrib.admin.utils import unquote
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ..models import Schedule, Tick
from .base import RowsOfBackend, database
from .reading import read_rows

_MOST_COUNTED = 10_000


def is_kept(schedule: Any) -> bool:
    """Tell whether a schedule stands in code or settings, and so cannot be deleted."""
    return bool(schedule.is_declared and schedule.undeclared_at is None)


def reason(schedule: Any) -> str:
    return _(
        "“%(name)s” is declared in %(origin)s. It cannot be deleted here, since the "
        "next beat would make it again. Disable it, or remove its declaration."
    ) % {"name": schedule.name, "origin": origin(schedule)}


def origin(schedule: Any) -> str:
    if schedule.origin == Schedule.Origin.CODE:
        return _("the code")
    return _("the settings")


class ScheduleDeletion(RowsOfBackend):
    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if obj is not None and is_kept(obj):
            return False
        return super().has_delete_permission(request, obj)

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: Any = None
    ) -> HttpResponse:
        schedule = self.get_object(request, unquote(object_id))
        may = super().has_delete_permission(request, schedule)
        if schedule is not None and may and is_kept(schedule):
            self.message_user(request, reason(schedule), messages.ERROR)
            url = reverse("admin:django_bgtasks_schedule_change", args=[schedule.pk])
            return HttpResponseRedirect(url)
        return super().delete_view(request, object_id, extra_context)

    @admin.action(
        permissions=["delete"],
        description=gettext_lazy("Delete selected %(verbose_name_plural)s"),
    )
    def delete_selected(self, request: HttpRequest, queryset: Any) -> Any:
        # Django reads them as well, and would fail at those that cannot be read whole.
        queryset._result_cache = rows = read_rows(queryset)
        kept = [each for each in rows if is_kept(each)]
        for schedule in kept[:5]:
            self.message_user(request, reason(schedule), messages.ERROR)
        if kept:
            return None
        return delete_selected(self, request, queryset)

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        if any(getattr(each, "unreadable", ()) for each in queryset):
            for each in queryset:
                self.delete_model(request, each)
        else:
            super().delete_queryset(request, queryset)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Name the schedules and count the rest: their history may be long."""
        schedules = list(objs)
        ticks = Tick.objects.using(database()).filter(schedule__in=schedules)
        found = ticks.order_by()[:_MOST_COUNTED].count()
        count = f"{found}+" if found == _MOST_COUNTED else found
        counts = {
            Schedule._meta.verbose_name_plural: len(schedules),
            Tick._meta.verbose_name_plural: count,
        }
        return [str(each) for each in schedules], counts, set(), []
