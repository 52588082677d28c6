"""Actions on many jobs: asked about first, then done as many at a time as a request
may take. The page goes on by itself, or by its button, until all are done."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field, replace
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from ..ids import uuid7
from ..models import Job
from ..overview.counts import Count
from ..overview.terms import Terms
from ..overview.walk import count_jobs, next_batch
from . import live
from .base import RowsOfBackend, database, job_url
from .job_actions import ACTIONS, Action
from .job_terms import read_terms

SECONDS = 2.0
BATCH = 500
# So many jobs get an entry of their own in the log of the admin.
MOST_ENTRIES = 100
_SECONDS_TO_GO_ON = 24 * 3600
_SALT = "django_bgtasks.jobs"
_LIST = "admin:django_bgtasks_job_changelist"


@dataclass(frozen=True, slots=True)
class Run:
    """An action under way: to which jobs, how far it is, and what was done.

    ``ids`` are those that were ticked; otherwise the jobs of ``query`` are meant, up
    to the id ``until``. ``walk`` and ``after`` say where to go on.
    """

    action: str
    user: str
    back: str
    words: str
    ids: list[str] = field(default_factory=list)
    query: str = ""
    until: str = ""
    number: int = 0
    exact: bool = True
    # Whether the question was answered, though nothing may be done as yet.
    begun: bool = False
    values: dict[str, Any] = field(default_factory=dict)
    entry: int | None = None
    walk: int = 0
    after: str = ""
    met: int = 0
    done: int = 0

    @classmethod
    def load(cls, token: str) -> Run:
        """Read a token of dump(), or raise BadSignature."""
        values = signing.loads(token, salt=_SALT, max_age=_SECONDS_TO_GO_ON)
        return cls(**values)

    def dump(self) -> str:
        return signing.dumps(asdict(self), salt=_SALT, compress=True)

    @property
    def of(self) -> Count:
        return Count(self.number, self.exact)


class RunsOfActions(RowsOfBackend):
    """The page that asks, and the one that tells how far it is."""

    @method_decorator(require_POST)
    def act_view(self, request: HttpRequest) -> HttpResponse:
        live.require(request, "view_job")
        if not live.backends():
            text = _("No backend of django_bgtasks is set up in TASKS.")
            return self._refuse(request, reverse(_LIST), text)
        if "run" not in request.POST:
            return self._begin(request)
        try:
            run = Run.load(request.POST["run"])
            if run.user != str(request.user.pk):
                raise signing.BadSignature
        except (signing.BadSignature, TypeError):
            text = _("This confirmation is not valid any more. Please begin again.")
            return self._refuse(request, reverse(_LIST), text)
        action = self._permitted(request, run.action)
        if not run.begun:
            form = action.form(request.POST)
            if form is not None and not form.is_valid():
                return self._page(request, run, form)
            values = form.cleaned_data if form else {}
            run = replace(run, begun=True, values=values)
        return self._go_on(request, action, run)

    def _begin(self, request: HttpRequest) -> HttpResponse:
        action = self._permitted(request, request.POST.get("action", ""))
        back = _back(request.POST)
        run = Run(action.name, str(request.user.pk), back, "", until=str(uuid7()))
        if request.POST.get("all"):
            form = read_terms(
                QueryDict(request.POST.get("query", "")),
                may_search=live.may(request, "view_job_arguments"),
            )
            if form.errors:
                return self._refuse(request, back, _("The filter is not valid."))
            run = replace(run, query=form.query, words=form.words)
            number = _count(action, form.terms)
        else:
            ids, unread = _ids(request.POST.getlist("_selected_action"))
            if unread or not ids:
                text = (
                    _("Choose jobs first.")
                    if not unread
                    else _("“%(id)s” is no id of a job.") % {"id": unread[:80]}
                )
                return self._refuse(request, back, text)
            words = ids[0] if len(ids) == 1 else _("chosen jobs")
            run, number = replace(run, ids=ids, words=words), Count(len(ids))
        if not number.number and number.exact:
            text = _("There is no job that it can be done to.")
            return self._refuse(request, back, text)
        run = replace(run, number=number.number, exact=number.exact)
        if action.at_once and len(run.ids) == 1:
            return self._go_on(request, action, replace(run, begun=True))
        return self._page(request, run, action.form())

    def _go_on(self, request: HttpRequest, action: Action, run: Run) -> HttpResponse:
        """Act for a while; answer with the page to go on from, or go back."""
        backend = live.backends()[0]
        end = time.monotonic() + SECONDS
        changed: list[UUID] = []
        walks, over = _walks(action, run), False
        while not over:
            ids, run, over = _next(walks, run)
            some = action.act(backend, ids, run.values) if ids else []
            changed += some
            run = replace(run, met=run.met + len(ids), done=run.done + len(some))
            if time.monotonic() > end:
                break
        run = self._note(request, action, run, changed)
        if not over:
            return self._page(request, run, None)
        self._tell(request, action, run)
        return HttpResponseRedirect(run.back)

    def _note(
        self, request: HttpRequest, action: Action, run: Run, changed: list[UUID]
    ) -> Run:
        """Keep in the log of the admin who did what to how many, and to which."""
        if not run.done:
            return run
        text = str(action.label)
        values = ", ".join(f"{k}={v}" for k, v in run.values.items() if v or v == 0)
        text = f"{text}{f' ({values})' if values else ''}"
        kind = ContentType.objects.get_for_model(Job, for_concrete_model=False)
        common = {
            "user_id": request.user.pk,
            "content_type": kind,
            "action_flag": action.flag,
        }
        if len(run.ids) != 1:
            number = ngettext("%(number)s job", "%(number)s jobs", run.done) % {
                "number": run.done
            }
            facts = {
                "object_repr": f"{number}: {run.words}"[:200],
                "change_message": f"{text}: {number}: {run.words}",
            }
            if run.entry is None:
                entry = LogEntry.objects.create(**common, **facts)
                run = replace(run, entry=entry.pk)
            else:
                LogEntry.objects.filter(pk=run.entry).update(**facts)
        room = max(0, MOST_ENTRIES - (run.done - len(changed)))
        LogEntry.objects.bulk_create(
            LogEntry(
                **common, object_id=str(pk), object_repr=str(pk), change_message=text
            )
            for pk in changed[:room]
        )
        return run

    def _tell(self, request: HttpRequest, action: Action, run: Run) -> None:
        if run.done:
            text = action.done % {"number": run.done}
            self.message_user(request, text, messages.SUCCESS)
        left = run.met - run.done
        if left or not run.done:
            text = ngettext(
                "%(number)s job was left as it is: it has moved on or is gone.",
                "%(number)s jobs were left as they are: they have moved on or are "
                "gone.",
                left,
            )
            self.message_user(request, text % {"number": left}, messages.WARNING)

    def _page(self, request: HttpRequest, run: Run, form: Any) -> HttpResponse:
        action = ACTIONS[run.action]
        context = {
            "run": run,
            "begun": run.begun,
            "action": action,
            "form": form,
            "token": run.dump(),
            "list_url": reverse(_LIST),
        }
        title = action.label if run.met else f"{action.label}?"
        return live.respond(request, self.admin_site, "job", title, context, "act")

    def _permitted(self, request: HttpRequest, name: str) -> Action:
        action = ACTIONS.get(name)
        if action is None or not live.may(request, action.permission):
            raise PermissionDenied
        return action

    def _refuse(self, request: HttpRequest, back: str, text: str) -> HttpResponse:
        self.message_user(request, text, messages.WARNING)
        return HttpResponseRedirect(back)


def permitted_actions(request: HttpRequest) -> list[Action]:
    """Return what the user may do to jobs."""
    return [each for each in ACTIONS.values() if live.may(request, each.permission)]


def _back(data: Any) -> str:
    """Return where to lead after it: to the job, the failures or the list."""
    if data.get("back") == "failures":
        return reverse("admin:django_bgtasks_failure_changelist")
    if data.get("back") == "job" and data.get("action") != "delete":
        ids, unread = _ids(data.getlist("_selected_action"))
        if ids and not unread:
            return job_url(UUID(ids[0]))
    query = QueryDict("" if data.get("back") == "job" else data.get("query", ""))
    address = reverse(_LIST)
    return f"{address}?{query.urlencode()}" if query else address


def _ids(given: list[str]) -> tuple[list[str], str]:
    """Return the ids of jobs, and the first text that is none."""
    found: dict[str, None] = {}
    for text in given:
        try:
            found[str(UUID(text))] = None
        except ValueError:
            return [], text or "-"
    return list(found), ""


def _count(action: Action, terms: Terms) -> Count:
    number, exact = 0, True
    for each in action.walks(terms):
        counted = count_jobs(database(), each)
        number, exact = number + counted.number, exact and counted.exact
    return Count(number, exact)


def _walks(action: Action, run: Run) -> list[Terms]:
    if run.ids:
        return []
    # Whether the user may search was decided when it was begun.
    form = read_terms(QueryDict(run.query), may_search=True)
    return [] if form.errors else action.walks(form.terms)


def _next(walks: list[Terms], run: Run) -> tuple[list[UUID], Run, bool]:
    """Return the next jobs, the run after them, and whether they are the last."""
    if run.ids:
        return [UUID(each) for each in run.ids], run, True
    if run.walk >= len(walks):
        return [], run, True
    after = UUID(run.after) if run.after else None
    terms = walks[run.walk]
    ids, last = next_batch(database(), terms, UUID(run.until), after, BATCH)
    if last is None:
        run = replace(run, walk=run.walk + 1, after="")
    else:
        run = replace(run, after=str(last))
    return ids, run, run.walk >= len(walks)
