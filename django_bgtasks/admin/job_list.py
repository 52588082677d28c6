"""The list of jobs: all states, narrowed by what an address says, a page at a time."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from ..models import DeferredJob, Failure, FinishedJob, ReadyJob, RunningJob
from ..overview.counts import bounded
from ..overview.jobs import DEFERRED, FINISHED, READY, RUNNING
from ..overview.rows import FAILURES
from ..overview.search import Page, find
from . import live
from .base import RowsOfBackend, database
from .job_runs import permitted_actions
from .job_terms import STATE_LABELS, TermsForm, read_terms

# Rows of a state that are counted at most.
_MOST = 10_000
_TABLES = {
    READY: ReadyJob,
    DEFERRED: DeferredJob,
    RUNNING: RunningJob,
    FAILURES: Failure,
    FINISHED: FinishedJob,
}


class ListOfJobs(RowsOfBackend):
    def changelist_view(
        self, request: HttpRequest, extra_context: Any = None
    ) -> HttpResponse:
        live.require(request, "view_job")
        may_search = live.may(request, "view_job_arguments")
        form = read_terms(request.GET, may_search=may_search)
        page = Page()
        if not form.errors:
            before = self._before(request)
            page = find(database(), form.terms, before)
        url = reverse("admin:django_bgtasks_job_changelist")
        context = {
            "form": form,
            "page": page,
            "states": _states(request, form),
            "actions": permitted_actions(request),
            "query": form.query,
            "url": url,
            "here": request.get_full_path(),
            "is_first": "before" not in request.GET,
            "may_see_values": may_search,
            "narrowed": any(form.data.get(name) for name in form.fields),
        }
        title = _("Jobs")
        return live.respond(request, self.admin_site, "jobs", title, context)

    def _before(self, request: HttpRequest) -> UUID | None:
        text = request.GET.get("before")
        if not text:
            return None
        try:
            return UUID(text)
        except ValueError:
            words = _("“%(text)s” is no place in the list; here is its beginning.")
            self.message_user(request, words % {"text": text[:80]}, messages.WARNING)
            return None


def _states(request: HttpRequest, form: TermsForm) -> list[dict[str, Any]]:
    """Return the states with the numbers of their jobs, whatever else is chosen."""
    chosen = form.data.get("state", "")
    found: list[dict[str, Any]] = [
        {"label": _("All"), "value": "", "count": None, "chosen": not chosen}
    ]
    for state, model in _TABLES.items():
        number = bounded(model._default_manager.using(database()), _MOST)
        found.append(
            {
                "label": STATE_LABELS[state],
                "value": state,
                "count": number,
                "chosen": state == chosen,
            }
        )
    return found
