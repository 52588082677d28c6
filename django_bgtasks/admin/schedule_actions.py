"""Deeds as actions of the list, and as buttons in it and on a schedule's page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, reverse
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from ..models import Schedule
from . import deeds
from .base import RowsOfBackend, job_url
from .reading import read_rows

# Refusals that are shown one by one; of the others only the number.
_SHOWN = 5


class ScheduleActions(RowsOfBackend):
    """Each deed needs a permission, and leaves an entry in the admin's log."""

    actions = (
        *("enable_selected", "disable_selected", "run_selected"),
        *("duplicate_selected", "delete_selected"),
    )

    def get_urls(self) -> list[URLPattern]:
        deeds_of = {
            "toggle": self.toggle_view,
            "run": self.run_view,
            "duplicate": self.duplicate_view,
            "restore": self.restore_view,
        }
        views = {
            name: (f"<path:object_id>/{name}/", view) for name, view in deeds_of.items()
        }
        return [*self.paths(views), *super().get_urls()]

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Any:
        try:
            key = Schedule._meta.pk.to_python(object_id)
        except ValidationError:
            return None
        rows = read_rows(self.get_queryset(request).filter(pk=key))
        return rows[0] if rows else None

    def response_action(
        self, request: HttpRequest, queryset: Any, *args: Any, **options: Any
    ) -> Any:
        """Take what is no key for no choice, which Django has words for."""
        chosen = request.POST.getlist(ACTION_CHECKBOX_NAME)
        # Longer ones are no number that a database knows.
        if not all(key.isdecimal() and len(key) < 19 for key in chosen):
            data = request.POST.copy()
            data.setlist(ACTION_CHECKBOX_NAME, [])
            request.POST = data  # type: ignore[assignment]
        return super().response_action(request, queryset, *args, **options)

    def has_run_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("django_bgtasks.run_schedule"))

    def has_copy_permission(self, request: HttpRequest) -> bool:
        return self.has_add_permission(request) and self.has_view_permission(request)

    # Buttons.

    @method_decorator(require_POST)
    def toggle_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        deed = self._enable if request.POST.get("enabled") == "1" else self._disable
        self._do(request, object_id, self.has_change_permission, deed)
        url = reverse("admin:django_bgtasks_schedule_changelist")
        filters = request.GET.get("_changelist_filters", "")
        return HttpResponseRedirect(f"{url}?{filters}" if filters else url)

    @method_decorator(require_POST)
    def run_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._button(request, object_id, self._may_run, self._run)

    @method_decorator(require_POST)
    def duplicate_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._button(request, object_id, self._may_copy, self._duplicate)

    @method_decorator(require_POST)
    def restore_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        may = self.has_change_permission
        return self._button(request, object_id, may, self._restore)

    def _may_run(self, request: HttpRequest, schedule: Any) -> bool:
        return self.has_run_permission(request)

    def _may_copy(self, request: HttpRequest, schedule: Any) -> bool:
        return self.has_copy_permission(request)

    def _button(
        self, request: HttpRequest, object_id: str, may: Any, deed: Any
    ) -> HttpResponse:
        schedule = self._do(request, object_id, may, deed)
        if schedule is None:
            return HttpResponseRedirect(
                reverse("admin:django_bgtasks_schedule_changelist")
            )
        return HttpResponseRedirect(
            reverse("admin:django_bgtasks_schedule_change", args=[schedule.pk])
        )

    def _do(
        self,
        request: HttpRequest,
        object_id: str,
        may: Callable[[HttpRequest, Any], bool],
        deed: Callable[[HttpRequest, Any], tuple[Any, Any]],
    ) -> Any:
        """Do it, say so, and return the schedule to show then; None if it is gone."""
        if not may(request, None):
            raise PermissionDenied
        schedule = self.get_object(request, unquote(object_id))
        if schedule is None:
            text = _("There is no such schedule any more. Perhaps it was deleted.")
            self.message_user(request, text, messages.WARNING)
            return None
        try:
            text, shown = deed(request, schedule)
        except deeds.Refusal as error:
            self._refused(request, schedule, error)
            return schedule
        self.message_user(request, text, messages.SUCCESS)
        return shown

    def _refused(self, request: HttpRequest, schedule: Any, error: Exception) -> None:
        text = format_html("“{}”: {}", schedule.name, str(error))
        self.message_user(request, text, messages.ERROR)

    # Actions of the list.

    @admin.action(
        permissions=["change"], description=gettext_lazy("Enable selected schedules")
    )
    def enable_selected(self, request: HttpRequest, queryset: Any) -> None:
        self._each(request, queryset, self._enable)

    @admin.action(
        permissions=["change"], description=gettext_lazy("Disable selected schedules")
    )
    def disable_selected(self, request: HttpRequest, queryset: Any) -> None:
        self._each(request, queryset, self._disable)

    @admin.action(
        permissions=["run"], description=gettext_lazy("Run selected schedules now")
    )
    def run_selected(self, request: HttpRequest, queryset: Any) -> None:
        self._each(request, queryset, self._run)

    @admin.action(
        permissions=["copy"], description=gettext_lazy("Duplicate selected schedules")
    )
    def duplicate_selected(self, request: HttpRequest, queryset: Any) -> None:
        self._each(request, queryset, self._duplicate)

    def _each(self, request: HttpRequest, queryset: Any, deed: Any) -> None:
        done, refused = [], 0
        for schedule in read_rows(queryset):
            try:
                done.append(deed(request, schedule)[0])
            except deeds.Refusal as error:
                refused += 1
                if refused <= _SHOWN:
                    self._refused(request, schedule, error)
        if refused > _SHOWN:
            text = _("%(count)d more were refused.") % {"count": refused - _SHOWN}
            self.message_user(request, text, messages.ERROR)
        for text in done[:_SHOWN]:
            self.message_user(request, text, messages.SUCCESS)
        if len(done) > _SHOWN:
            text = _("And %(count)d more.") % {"count": len(done) - _SHOWN}
            self.message_user(request, text, messages.SUCCESS)

    # A deed, its entry in the log, what to say, and which schedule to show then.

    def _enable(self, request: HttpRequest, schedule: Any) -> tuple[Any, Any]:
        if not schedule.enabled:
            deeds.enable(schedule)
            self.log_change(request, schedule, _("Enabled."))
        return _("“%(name)s” is enabled.") % {"name": schedule.name}, schedule

    def _disable(self, request: HttpRequest, schedule: Any) -> tuple[Any, Any]:
        if schedule.enabled:
            deeds.disable(schedule)
            self.log_change(request, schedule, _("Disabled."))
        return _("“%(name)s” is disabled.") % {"name": schedule.name}, schedule

    def _run(self, request: HttpRequest, schedule: Any) -> tuple[Any, Any]:
        job_id = deeds.run(schedule)
        self.log_change(request, schedule, _("Run now: job %(id)s.") % {"id": job_id})
        url = job_url(job_id)
        job = format_html('<a href="{}">{}</a>', url, job_id) if url else job_id
        text = _("“{name}” was enqueued, as job {job}.")
        return format_html(text, name=schedule.name, job=job), schedule

    def _duplicate(self, request: HttpRequest, schedule: Any) -> tuple[Any, Any]:
        copy = deeds.duplicate(schedule)
        text = _("Duplicated from “%(name)s”.") % {"name": schedule.name}
        self.log_addition(request, copy, text)
        names = {"name": schedule.name, "copy": copy.name}
        return _("“%(copy)s” is a disabled copy of “%(name)s”.") % names, copy

    def _restore(self, request: HttpRequest, schedule: Any) -> tuple[Any, Any]:
        deeds.restore(schedule)
        self.log_change(request, schedule, _("Timing set back to the declaration."))
        text = _("“%(name)s” has the timing of its declaration again.")
        return text % {"name": schedule.name}, schedule
