from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from ..lifecycle import operate
from ..lifecycle.enqueue import wake_after_commit
from ..models import Queue
from ..overview.summary import QueueLine, read_lines
from ..vendors import vendor_of
from . import live
from .base import NeverEdited
from .purge import PurgeView

# Where a button may lead back to.
_PAGES = {
    "overview": "admin:django_bgtasks_queue_overview",
    "index": "admin:app_list",
    "queues": "admin:django_bgtasks_queue_changelist",
}


@admin.register(Queue)
class QueueAdmin(PurgeView, NeverEdited):
    """The queues, their buttons, and the overview of all. Rows are never edited."""

    def get_urls(self) -> list[URLPattern]:
        views = {
            "overview": ("overview/", self.overview_view),
            "pause": ("pause/", self.pause_view),
            "resume": ("resume/", self.resume_view),
            "purge": ("purge/", self.purge_view),
        }
        return [*self.paths(views), *super().get_urls()]

    @method_decorator(require_GET)
    def overview_view(self, request: HttpRequest) -> HttpResponse:
        back = request.GET.get("back", "")
        context = live.overview_context(request, back if back in _PAGES else "overview")
        if not context["shown"]:
            live.require(request, "view_queue")
        return live.respond(
            request, self.admin_site, "overview", _("Overview"), context
        )

    @method_decorator(require_GET)
    def changelist_view(
        self, request: HttpRequest, extra_context: Any = None
    ) -> HttpResponse:
        live.require(request, "view_queue")
        context = {
            "lines": self.lines(),
            "permissions": live.permissions(request),
            "url": reverse("admin:django_bgtasks_queue_changelist"),
            "opts": self.opts,
            "back": "queues",
        }
        return live.respond(request, self.admin_site, "queues", _("Queues"), context)

    def change_view(
        self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        # The admin's log leads here.
        return HttpResponseRedirect(reverse("admin:django_bgtasks_queue_changelist"))

    @method_decorator(require_POST)
    def pause_view(self, request: HttpRequest) -> HttpResponse:
        live.require(request, "pause_queue")
        if (name := self.named_queue(request, request.POST)) is not None:
            connection = live.backends()[0].connection
            operate.pause(connection, name)
            self.log_change(request, Queue(name=name), "Paused.")
            text = _("Queue “%(queue)s” is paused. Its running jobs run on.")
            self.message_user(request, text % {"queue": name}, messages.SUCCESS)
        return self.back(request)

    @method_decorator(require_POST)
    def resume_view(self, request: HttpRequest) -> HttpResponse:
        live.require(request, "pause_queue")
        if (name := self.named_queue(request, request.POST)) is not None:
            connection = live.backends()[0].connection
            if operate.resume(connection, name):
                wake_after_commit(vendor_of(connection))
                self.log_change(request, Queue(name=name), "Resumed.")
                text, level = _("Queue “%(queue)s” is resumed."), messages.SUCCESS
            else:
                text, level = _("Queue “%(queue)s” was not paused."), messages.WARNING
            self.message_user(request, text % {"queue": name}, level)
        return self.back(request)

    def lines(self) -> list[QueueLine]:
        """Read all queues there are."""
        ours = live.backends()
        if not ours:
            return []
        return read_lines(ours, vendor_of(ours[0].connection).now())

    def named_queue(self, request: HttpRequest, values: Any) -> str | None:
        """Return the queue that is named, or say that there is none and return None."""
        name = values.get("queue", "")
        if name in (line.state.name for line in self.lines()):
            return str(name)
        text = _("There is no queue “%(queue)s”.") % {"queue": name[:128]}
        self.message_user(request, text, messages.WARNING)
        return None

    def back(self, request: HttpRequest) -> HttpResponse:
        """Lead back to the page whose button was pressed."""
        page = request.POST.get("back", "")
        kwargs = {"app_label": "django_bgtasks"} if page == "index" else {}
        name = _PAGES.get(page, _PAGES["queues"])
        return HttpResponseRedirect(reverse(name, kwargs=kwargs))
