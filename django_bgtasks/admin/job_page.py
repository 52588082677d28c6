"""The page of one job: all that is known of it, and what can be done to it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _

from ..exceptions import UnknownTask
from ..models import OutcomeKind, Schedule
from ..overview.details import MOST_CHILDREN, JobDetails, Try, read_children, read_job
from ..overview.jobs import UNFINISHED
from ..results import Progress
from . import job_values, live
from .base import RowsOfBackend, database
from .job_actions import ACTIONS, Action
from .job_copy import may_copy, task_of
from .tracebacks import Line, read_traceback


class Step(NamedTuple):
    """A moment in the life of a job."""

    at: datetime
    text: Any
    detail: str = ""
    kind: str = ""


class Attempted(NamedTuple):
    """An attempt with its traceback in lines, one line of it said first."""

    attempt: Try
    label: Any
    error: str
    lines: list[Line]


class PageOfJob(RowsOfBackend):
    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: Any = None,
    ) -> HttpResponse:
        live.require(request, "view_job")
        job = self._read(object_id)
        if job is None:
            return self.say_gone(request, object_id)
        may_see = live.may(request, "view_job_arguments")
        children = read_children(database(), job.id)
        context = {
            "job": job,
            "state_label": state_label(job.state),
            "over": job.state not in UNFINISHED,
            "progress": Progress(*job.progress) if job.progress else None,
            "values": _values(job) if may_see else [],
            "may_see_values": may_see,
            "steps": timeline(job),
            "attempts": [_attempted(each) for each in reversed(job.attempts)],
            "children": children[:MOST_CHILDREN],
            "more_children": len(children) > MOST_CHILDREN,
            "schedule": self._schedule(job),
            "gone": self._why_gone(job),
            "actions": _actions(request, job),
            "may_copy": may_copy(request),
            "url": request.path,
            "list_url": reverse("admin:django_bgtasks_job_changelist"),
        }
        return live.respond(request, self.admin_site, "job", job.task, context)

    def value_view(
        self, request: HttpRequest, object_id: str, name: str
    ) -> HttpResponse:
        """Answer with a whole value, as a file."""
        live.require(request, "view_job")
        live.require(request, "view_job_arguments")
        job = self._read(object_id)
        if job is None or name not in job_values.NAMES:
            return self.say_gone(request, object_id)
        text = job_values.print_json(getattr(job, name))
        response = HttpResponse(text, content_type="application/json")
        response["Content-Disposition"] = f'attachment; filename="{job.id}-{name}.json"'
        response["X-Content-Type-Options"] = "nosniff"
        return response

    def say_gone(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Lead back to the list, saying that there is no such job."""
        text = _("There is no job “%(id)s”. It may have been pruned or deleted.")
        shown = {"id": object_id[:80]}
        self.message_user(request, text % shown, messages.WARNING)
        return HttpResponseRedirect(reverse("admin:django_bgtasks_job_changelist"))

    def _read(self, object_id: str) -> JobDetails | None:
        try:
            return read_job(database(), UUID(object_id))
        except ValueError:
            return None

    def _schedule(self, job: JobDetails) -> Any:
        if job.schedule_id is None:
            return None
        rows = Schedule.objects.using(database()).filter(pk=job.schedule_id)
        return rows.only("name").first()

    def _why_gone(self, job: JobDetails) -> str:
        try:
            task_of(_Named(job.task, job.backend))
        except UnknownTask as error:
            return str(error)
        return ""


class _Named(NamedTuple):
    task_path: str
    backend: str


def state_label(state: str) -> Any:
    """Return the word for a state that people are shown."""
    from .job_terms import STATE_LABELS

    return STATE_LABELS.get(state, _("Nowhere: its state was deleted by hand"))


def timeline(job: JobDetails) -> list[Step]:
    """Return the moments of a job that are known, the first one first."""
    steps = [Step(job.enqueued_at, _("Enqueued"))]
    for each in job.attempts:
        number = {"number": each.attempt}
        if each.started_at:
            text = _("Attempt %(number)s started") % number
            steps.append(Step(each.started_at, text, each.worker, "running"))
        if each.finished_at and each.outcome:
            text = f"{_('Attempt %(number)s') % number}: {state_label(each.outcome)}"
            steps.append(Step(each.finished_at, text, each.exception, each.outcome))
    # A moment that was written by hand may be none.
    steps = [step for step in steps if step.at is not None]
    steps.sort(key=lambda step: step.at)
    if job.finished_at and not any(each.finished_at for each in job.attempts):
        label = state_label(job.state)
        steps.append(Step(job.finished_at, label, "", job.state))
    if job.due is not None:
        text = _("Due") if job.state == "deferred" else _("Ready")
        steps.append(Step(job.due, text, "", job.state))
    if job.kept_until is not None:
        steps.append(Step(job.kept_until, _("May be pruned"), "", "later"))
    return steps


def _values(job: JobDetails) -> list[tuple[Any, job_values.Value]]:
    labels = {
        "args": _("Positional arguments"),
        "kwargs": _("Keyword arguments"),
        "metadata": _("Metadata"),
        "return_value": _("Return value"),
    }
    return [
        (label, job_values.shown(job, name))
        for name, label in labels.items()
        if job_values.has(job, name)
    ]


def _attempted(each: Try) -> Attempted:
    lines = read_traceback(each.traceback) if each.traceback else []
    error = next((line.text for line in reversed(lines) if line.kind == "error"), "")
    outcome = each.outcome or "running"
    label = state_label(outcome) if outcome != OutcomeKind.FAILED else _("Failed")
    return Attempted(each, label, error or each.exception, lines)


def _actions(request: HttpRequest, job: JobDetails) -> list[Action]:
    """Return what can be done to the job as it stands, by this user."""
    finished = job.state not in UNFINISHED
    return [
        each
        for each in ACTIONS.values()
        if live.may(request, each.permission)
        and (job.state in each.fits or (finished and "finished" in each.fits))
    ]
