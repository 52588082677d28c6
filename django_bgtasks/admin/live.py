"""Pages that refresh themselves: what they show, and to whom.

Such a page is one fragment within a frame. Asked for with the header HEADER, its
address answers with the fragment alone, which takes the place of the one before.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

import django
from django.apps import apps
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from ..overview.activity import RunningLine
from ..overview.figures import PERIODS, Period, Point
from ..overview.summary import Summary, read_summary
from ..overview.workers import ProcessState
from .base import database, database_backends, job_url

HEADER = "X-Bgtasks-Refresh"
# Which permission shows which part of the overview.
_PARTS = {"queues": "view_queue", "processes": "view_process", "due": "view_schedule"}
_PERIODS = (("hour", _("Hour")), ("day", _("Day")), ("week", _("Week")))


def may(request: HttpRequest, codename: str) -> bool:
    """Whether the user has a permission of this app. To change is to view, too."""
    names = {codename, codename.replace("view_", "change_")}
    return any(request.user.has_perm(f"django_bgtasks.{name}") for name in names)


def require(request: HttpRequest, codename: str) -> None:
    """Raise PermissionDenied unless the user has a permission of this app."""
    if not may(request, codename):
        raise PermissionDenied


def backends() -> list[Any]:
    """Return the backends whose database the admin shows."""
    alias = database()
    return [each for each in database_backends().values() if each.database == alias]


def respond(
    request: HttpRequest,
    site: Any,
    name: str,
    title: Any,
    context: dict[str, Any],
    page: str = "page",
) -> HttpResponse:
    """Answer with a live page or, asked for that, with its fragment alone."""
    context = {
        **context,
        **site.each_context(request),
        "title": title,
        "app_name": apps.get_app_config("django_bgtasks").verbose_name,
        "breadcrumbs_are_a_list": django.VERSION >= (6, 1),
    }
    kind = "fragment" if HEADER in request.headers else page
    request.current_app = site.name
    return TemplateResponse(
        request, f"admin/django_bgtasks/{name}/{kind}.html", context
    )


def overview_context(request: HttpRequest, back: str) -> dict[str, Any]:
    """Read what the overview shows to this user; ``shown`` is empty if nothing is.

    ``back`` names the page that its buttons lead back to.
    """
    shown = [part for part, codename in _PARTS.items() if may(request, codename)]
    period = PERIODS.get(request.GET.get("period", ""), PERIODS["hour"])
    # No database takes the character, and no queue has a longer name.
    queue = request.GET.get("queue", "").replace("\x00", "")[:128] or None
    context: dict[str, Any] = {
        "request": request,
        "shown": shown,
        "back": back,
        "refresh_url": _address(
            reverse("admin:django_bgtasks_queue_overview"), period.name, queue, back
        ),
        "permissions": permissions(request),
    }
    if shown and (ours := backends()):
        summary = read_summary(ours, shown, period, queue)
        context |= {
            "summary": summary,
            "chart": chart(summary.points, period, queue, summary),
            "processes": summary.processes,
            "workers": [x for x in summary.processes if x.is_worker and x.alive],
            "running": with_names(summary.running, summary.processes),
        }
    return context


def permissions(request: HttpRequest) -> dict[str, bool]:
    """Return which buttons the user may see."""
    names = ("pause_queue", "purge_queue", "manage_process", "view_job")
    return {name: may(request, name) for name in names}


def chart(
    points: list[Point], period: Period, queue: str | None, summary: Summary
) -> dict[str, Any]:
    """Prepare the figures for the chart and for the table under it."""
    names = [line.state.name for line in summary.queues]
    return {
        "points": points,
        "periods": [
            (name, label, f"{_address('', name, queue)}#bgtasks-figures")
            for name, label in _PERIODS
        ],
        "period": period.name,
        "queue": queue,
        "queues": names if queue is None or queue in names else [*names, queue],
        "succeeded": sum(point.succeeded for point in points),
        "failed": sum(point.failed for point in points),
        "retried": sum(point.retried for point in points),
        "longest_wait": max((point.longest_wait or 0 for point in points), default=0),
    }


def _address(start: str, period: str, queue: str | None, back: str = "") -> str:
    values = {"period": period, "queue": queue, "back": back}
    return (
        f"{start}?{urlencode({key: value for key, value in values.items() if value})}"
    )


def with_names(
    running: Iterable[RunningLine], processes: Iterable[ProcessState]
) -> list[tuple[RunningLine, str, str]]:
    """Return running jobs with the name of their process and their own address."""
    names = {each.id: each.name for each in processes}
    return [
        (line, names.get(line.process_id, ""), job_url(line.id)) for line in running
    ]
