"""The list of schedules: what is due when, and how it went last time."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.contrib import admin
from django.contrib.admin.exceptions import DisallowedModelAdminLookup
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.templatetags.admin_urls import add_preserved_filters
from django.contrib.admin.views.main import ChangeList
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timesince, timeuntil
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ..models import OutcomeKind, Process, Schedule
from ..overview.jobs import state_of
from ..periodic.plans import same_timing
from ..periodic.timings import aware, words
from ..vendors import vendor_of
from .base import database, database_backends, job_url, utc_now
from .preview import in_zone, next_runs, zone_of
from .reading import read_rows
from .task_field import tasks

STATES = {
    "ready": gettext_lazy("Waiting"),
    "deferred": gettext_lazy("Deferred"),
    "running": gettext_lazy("Running"),
    "nowhere": gettext_lazy("Nowhere"),
    **dict(OutcomeKind.choices),
}


def state_mark(state: str | None, job_id: Any) -> SafeString:
    """Return the state of a job in words, linked to the job's page."""
    if job_id is None:
        return SafeString("-")
    text = STATES.get(state or "", _("Pruned"))
    mark = format_html(
        '<span class="bgtasks-state bgtasks-{}">{}</span>', state or "pruned", text
    )
    url = job_url(job_id)
    return format_html('<a href="{}">{}</a>', url, mark) if url else mark


def moment_mark(moment: datetime | None, schedule: Any) -> SafeString:
    """Return how far off a moment is, and below it the moment in the site's zone."""
    if moment is None:
        return SafeString("-")
    moment = aware(moment)
    now = utc_now()
    if abs(moment - now) < timedelta(minutes=1):
        distance = _("in less than a minute") if moment > now else _("just now")
    elif moment > now:
        distance = _("in %(time)s") % {"time": timeuntil(moment, depth=1)}
    else:
        distance = _("%(time)s ago") % {"time": timesince(moment, depth=1)}
    return format_html(
        '<time class="bgtasks-moment" datetime="{}" title="{}">{}<br>'
        "<small>{}</small></time>",
        moment.isoformat(),
        in_zone(moment, zone_of(schedule)),
        distance,
        date_format(moment.astimezone(timezone.get_current_timezone()), "j N Y, H:i"),
    )


def next_run(schedule: Any) -> datetime | None:
    """Return the planned next run; worked out here if no beat has seen the timing."""
    if not schedule.enabled:
        return None
    plan = getattr(schedule, "plan", None)
    if plan is not None and same_timing(plan, schedule):
        return plan.next_run_at  # type: ignore[no-any-return]
    return next(iter(next_runs(schedule, 1)), None)


def is_beat_alive() -> bool:
    """Tell whether some beat was heard of lately, by the database's clock."""
    for backend in database_backends().values():
        vendor = vendor_of(backend.connection)
        beats = Process.objects.using(backend.database).filter(kind=Process.Kind.BEAT)
        heard = list(beats.values_list("heartbeat_at", flat=True))
        limit = vendor.now() - backend.settings.rescue_after if heard else None
        if any(aware(each) >= limit for each in heard if limit):
            return True
    return False


class ScheduleChangeList(ChangeList):
    """A page of schedules, each with what its row shows beyond its own columns."""

    def get_filters(self, request: HttpRequest) -> Any:
        # No database takes the character.
        if any(
            "\x00" in each for _name, values in request.GET.lists() for each in values
        ):
            raise IncorrectLookupParameters
        try:
            return super().get_filters(request)
        except DisallowedModelAdminLookup as error:
            raise IncorrectLookupParameters from error

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        rows = read_rows(self.result_list)
        plans = [plan for row in rows if (plan := getattr(row, "plan", None))]
        jobs = [plan.last_job_id for plan in plans if plan.last_job_id]
        states = state_of(database(), jobs) if jobs else {}
        known = tasks()
        for row in rows:
            plan = getattr(row, "plan", None)
            row.last_state = states.get(plan.last_job_id) if plan else None
            row.has_task = row.task_path in known
            row.toggle_url = self._toggle_url(request, row)
        self.result_list = rows

    def _toggle_url(self, request: HttpRequest, row: Any) -> str:
        if not self.model_admin.has_change_permission(request, row):
            return ""
        url = reverse("admin:django_bgtasks_schedule_toggle", args=[row.pk])
        context: dict[str, Any] = {
            "opts": self.opts,
            "preserved_filters": self.model_admin.get_preserved_filters(request),
        }
        return add_preserved_filters(context, url)


class ScheduleColumns(admin.ModelAdmin):  # type: ignore[type-arg]
    """The columns of the list."""

    @admin.display(description=gettext_lazy("when"), ordering="kind")
    def when(self, schedule: Any) -> SafeString:
        problem = getattr(getattr(schedule, "plan", None), "error", "")
        return format_html(
            "{}{}{}",
            words(schedule),
            format_html("<br><code>{}</code>", schedule.crontab)
            if schedule.kind == Schedule.Kind.CRONTAB
            else "",
            format_html('<br><span class="bgtasks-problem">{}</span>', problem)
            if problem
            else "",
        )

    @admin.display(description=gettext_lazy("task"), ordering="task_path")
    def task(self, schedule: Any) -> SafeString:
        _module, _dot, name = schedule.task_path.rpartition(".")
        mark = format_html('<span title="{}">{}</span>', schedule.task_path, name)
        if schedule.has_task:
            return mark
        return format_html(
            '{} <span class="bgtasks-problem">{}</span>', mark, _("no longer there")
        )

    @admin.display(description=gettext_lazy("enabled"), ordering="enabled")
    def switch(self, schedule: Any) -> SafeString:
        state = _("On") if schedule.enabled else _("Off")
        mark = format_html(
            'class="bgtasks-switch" role="switch" aria-checked="{}" aria-label="{}"',
            "true" if schedule.enabled else "false",
            _("Enabled: %(name)s") % {"name": schedule.name},
        )
        if not schedule.toggle_url:
            return format_html('<span {} aria-disabled="true">{}</span>', mark, state)
        return format_html(
            '<button type="submit" {} formmethod="post" formaction="{}" '
            'name="enabled" value="{}">{}</button>',
            mark,
            schedule.toggle_url,
            "0" if schedule.enabled else "1",
            state,
        )

    @admin.display(description=gettext_lazy("next run"), ordering="plan__next_run_at")
    def next_run(self, schedule: Any) -> SafeString:
        return moment_mark(next_run(schedule), schedule)

    @admin.display(description=gettext_lazy("last run"), ordering="plan__last_run_at")
    def last_run(self, schedule: Any) -> SafeString:
        plan = getattr(schedule, "plan", None)
        return moment_mark(plan.last_run_at if plan else None, schedule)

    @admin.display(description=gettext_lazy("last job"))
    def last_job(self, schedule: Any) -> SafeString:
        plan = getattr(schedule, "plan", None)
        job_id = plan.last_job_id if plan else None
        state = getattr(schedule, "last_state", None)
        return state_mark(state, job_id)

    @admin.display(description=gettext_lazy("origin"), ordering="origin")
    def source(self, schedule: Any) -> SafeString:
        text = schedule.get_origin_display()
        if schedule.undeclared_at is not None:
            return format_html(
                '{} <span class="bgtasks-problem">{}</span>',
                text,
                _("declaration gone"),
            )
        if schedule.timing_edited:
            return format_html("{} <small>{}</small>", text, _("timing changed here"))
        return format_html("{}", text)
