"""What failed, by task and exception, and what to do about all of a group."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from ..models import Failure
from ..overview.failures import SAMPLE, Group, read_failures
from ..overview.rows import FAILURES
from ..results import public
from . import live
from .base import NeverEdited, database, job_url
from .job_actions import ACTIONS


@admin.register(Failure)
class FailureAdmin(NeverEdited):
    """Groups of failed jobs. Rows are never edited, nor shown one by one."""

    def changelist_view(
        self, request: HttpRequest, extra_context: Any = None
    ) -> HttpResponse:
        live.require(request, "view_job")
        before = self._before(request)
        failures = read_failures(database(), before)
        actions = [ACTIONS["retry"], ACTIONS["delete"]]
        context = {
            "failures": failures,
            "groups": [
                (each, _query(each), _job_url(each)) for each in failures.groups
            ],
            "sample": SAMPLE,
            "older": failures.older and failures.older.isoformat(),
            "is_first": before is None,
            "actions": [each for each in actions if live.may(request, each.permission)],
            "url": request.get_full_path(),
            "failures_url": request.path,
            "list_url": reverse("admin:django_bgtasks_job_changelist"),
            "act_url": reverse("admin:django_bgtasks_job_act"),
        }
        title = _("Failures")
        return live.respond(request, self.admin_site, "failures", title, context)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: Any = None,
    ) -> HttpResponse:
        live.require(request, "view_job")
        address = reverse("admin:django_bgtasks_job_change", args=[object_id])
        return HttpResponseRedirect(address)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return live.may(request, "view_job")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return live.may(request, "view_job")

    def _before(self, request: HttpRequest) -> datetime | None:
        text = request.GET.get("before")
        if not text:
            return None
        try:
            moment = _read_moment(text)
        except (OverflowError, ValueError):
            moment = None
        if moment is None:
            words = _("“%(text)s” is no moment; here are the latest failures.")
            self.message_user(request, words % {"text": text[:80]}, messages.WARNING)
            return None
        return moment


def _read_moment(text: str) -> datetime | None:
    moment = parse_datetime(text)
    if moment is None:
        return None
    if timezone.is_naive(moment):
        moment = timezone.make_aware(moment, timezone.get_default_timezone())
    # A moment may have no place in the years of another zone.
    return public(moment.astimezone(UTC))


def _query(group: Group) -> str:
    return urlencode(
        {"state": FAILURES, "task": group.task, "exception": group.exception}
    )


def _job_url(group: Group) -> str:
    return job_url(group.latest) if group.latest else ""
