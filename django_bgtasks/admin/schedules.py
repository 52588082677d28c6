"""Schedules in the admin."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.forms.widgets import Script
from django.http import Http404, HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import URLPattern, reverse
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from ..models import Schedule
from . import preview
from .base import database
from .filters import QueueFilter, TaskFilter
from .read_only import ReadOnlyTexts, shown
from .schedule_actions import ScheduleActions
from .schedule_deletion import ScheduleDeletion
from .schedule_form import OF_KIND, TIMING, ScheduleForm
from .schedule_list import ScheduleChangeList, ScheduleColumns, is_beat_alive
from .ticks import read_ticks

_TEMPLATES = "admin/django_bgtasks/schedule"
# How many ticks the form shows below its fields.
_LATEST = 5

_WHEN = (
    *("kind", "crontab", "timezone", "every", "anchor_at", "clocked_at"),
    *("solar_event", "latitude", "longitude", "start_at", "end_at"),
)
_FIELDSETS: tuple[tuple[Any, tuple[str, ...]], ...] = (
    (None, ("name", "description", "enabled")),
    (_("When"), (*_WHEN, "upcoming")),
    (_("What"), ("task_path", "args", "kwargs", "metadata")),
    (_("How"), ("backend", "queue_name", "priority", "expires", "jitter")),
    (_("When something is in the way"), ("missed", "grace", "overlap")),
)


@admin.register(Schedule)
class ScheduleAdmin(ScheduleColumns, ReadOnlyTexts, ScheduleDeletion, ScheduleActions):
    form = ScheduleForm
    list_display = (
        *("name", "when", "switch", "next_run", "last_run", "last_job", "task"),
        "source",
    )
    list_filter = ("enabled", "kind", "origin", TaskFilter, QueueFilter)
    list_select_related = ("plan",)
    list_per_page = 50
    show_full_result_count = False
    search_fields = ("name", "description", "task_path", "queue_name", "crontab")
    change_form_template = f"{_TEMPLATES}/change_form.html"
    change_list_template = f"{_TEMPLATES}/change_list.html"

    class Media:
        css = {"all": ("django_bgtasks/schedule.css",)}
        js = (Script("django_bgtasks/schedule-form.js", defer=True),)

    def get_urls(self) -> list[URLPattern]:
        views: dict[str, tuple[str, Any]] = {
            "preview": ("preview/", self.preview_view),
            "ticks": ("<path:object_id>/ticks/", self.ticks_view),
        }
        return [*self.paths(views), *super().get_urls()]

    # The list.

    def lookup_allowed(
        self, lookup: str, value: Any, request: HttpRequest | None = None
    ) -> bool:
        """Allow what the filters offer. Other lookups would find what is hidden."""
        offered = ("enabled", "kind", "origin", "task_path", "queue")
        return lookup.removesuffix("__exact") in offered

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> Any:
        return ScheduleChangeList

    def changelist_view(
        self, request: HttpRequest, extra_context: Any = None
    ) -> HttpResponse:
        context = {**(extra_context or {}), "is_beat_alive": is_beat_alive()}
        return super().changelist_view(request, context)

    # The form.

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        fixed = self._fixed(request, obj)
        sets = [
            (title, {"fields": [shown(x) if x in fixed else x for x in names]})
            for title, names in _FIELDSETS
        ]
        if obj is not None:
            if obj.is_declared:
                sets[0][1]["fields"].insert(0, "declared")
            sets.append((_("Latest runs"), {"fields": ["latest"]}))
        return sets

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        fixed = self._fixed(request, obj)
        return ("declared", "upcoming", "latest", *fixed, *map(shown, fixed))

    def _fixed(self, request: HttpRequest, obj: Any) -> list[str]:
        """Return the fields that cannot be changed by this person, of this one."""
        names = list(ScheduleForm.Meta.fields)
        if obj is None:
            return []
        if not self.has_change_permission(request, obj):
            return names
        if not obj.is_declared:
            return []
        may = {"enabled", *(TIMING if obj.timing_editable else ())}
        return [name for name in names if name not in may]

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        initial = super().get_changeform_initial_data(request)
        return {"timezone": settings.TIME_ZONE, **initial}

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Any = None,
    ) -> HttpResponse:
        context.update(
            may_run=self.has_run_permission(request),
            may_copy=self.has_copy_permission(request),
            may_restore=obj is not None
            and obj.timing_edited
            and self.has_change_permission(request, obj),
        )
        return super().render_change_form(request, context, add, change, form_url, obj)

    def save_model(
        self, request: HttpRequest, obj: Any, form: Any, change: bool
    ) -> None:
        if not change:
            super().save_model(request, obj, form, change)
            return
        # Only what this person has changed, since others may change the rest.
        names = {*form.changed_data, *(x for each in OF_KIND.values() for x in each)}
        # What could not be read is shown as empty, and is so from now on.
        names |= {*getattr(obj, "unreadable", ())}
        names &= {*form.fields}
        if obj.is_declared and {*form.changed_data} & {*TIMING}:
            obj.timing_edited = True
            names.add("timing_edited")
        if names:
            obj.save(using=database(), update_fields=names)

    @admin.display(description=_("next runs"))
    def upcoming(self, schedule: Any) -> SafeString:
        return format_html(
            '<div class="bgtasks-preview" data-bgtasks-preview="{}" '
            'data-bgtasks-schedule="{}" role="status">{}</div>',
            reverse("admin:django_bgtasks_schedule_preview"),
            "" if schedule.pk is None else schedule.pk,
            "" if schedule.pk is None else preview.render(schedule),
        )

    @admin.display(description=_("latest runs"))
    def latest(self, schedule: Any) -> SafeString:
        page = read_ticks(schedule, limit=_LATEST)
        context = {"page": page, "schedule": schedule, "is_part": True}
        return render_to_string(f"{_TEMPLATES}/ticks_table.html", context)

    @admin.display(description=_("declared"))
    def declared(self, schedule: Any) -> SafeString:
        context = {"schedule": schedule}
        return render_to_string(f"{_TEMPLATES}/declared.html", context)

    # Pages of its own.

    @method_decorator(require_POST)
    def preview_view(self, request: HttpRequest) -> HttpResponse:
        """Answer with the next runs of what is being written; nothing is saved."""
        may_view = self.has_view_or_change_permission(request)
        if not may_view and not self.has_add_permission(request):
            raise PermissionDenied
        found: Any = None
        if may_view and (pk := request.POST.get("schedule")):
            found = self.get_object(request, pk)
        schedule = Schedule() if found is None else found
        return preview.answer(schedule, request.POST)

    def ticks_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show the history of a schedule, page by page."""
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied
        schedule = self.get_object(request, unquote(object_id))
        if schedule is None:
            raise Http404
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "schedule": schedule,
            "title": _("Runs: %(name)s") % {"name": schedule},
            "page": read_ticks(schedule, request.GET.get("before", "")),
            "media": self.media,
        }
        return TemplateResponse(request, f"{_TEMPLATES}/ticks.html", context)
