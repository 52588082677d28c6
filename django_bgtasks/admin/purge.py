"""Purging a queue: its waiting jobs become cancelled, as many at a time as a request
may take; the page goes on by itself, or by its button."""

from __future__ import annotations

import time
from typing import Any, NamedTuple
from uuid import UUID

from django.contrib import messages
from django.core import signing
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from ..ids import uuid7
from ..lifecycle import operate
from ..models import Queue
from ..overview.counts import Count
from ..overview.jobs import DEFERRED, READY, Choice, batches, count
from . import live
from .base import RowsOfBackend

SECONDS = 2.0
# Reading a confirmation may take a while; the jobs it was about change meanwhile.
_SECONDS_TO_CONFIRM = 3600
_SALT = "django_bgtasks.purge"


class Purge(NamedTuple):
    """A purge under way: of the jobs up to an id, so many of which are cancelled."""

    queue: str
    until: UUID
    of: Count
    done: int = 0

    @classmethod
    def load(cls, token: str) -> Purge:
        """Read a token of `dump`, or raise BadSignature."""
        queue, until, number, exact, done = signing.loads(
            token, salt=_SALT, max_age=_SECONDS_TO_CONFIRM
        )
        return cls(queue, UUID(until), Count(number, exact), done)

    def dump(self) -> str:
        values = [self.queue, self.until.hex, *self.of, self.done]
        return signing.dumps(values, salt=_SALT)

    @property
    def choice(self) -> Choice:
        return Choice((READY, DEFERRED), queue=self.queue)


class PurgeView(RowsOfBackend):
    """The page that asks, and the one that tells how far it is."""

    named_queue: Any

    @method_decorator(require_http_methods(["GET", "POST"]))
    def purge_view(self, request: HttpRequest) -> HttpResponse:
        live.require(request, "purge_queue")
        back = HttpResponseRedirect(reverse("admin:django_bgtasks_queue_changelist"))
        if request.method == "GET":
            name = self.named_queue(request, request.GET)
            return back if name is None else self._ask(request, name) or back
        try:
            purge = Purge.load(request.POST.get("purge", ""))
        except (signing.BadSignature, ValueError):
            text = _("This confirmation has expired. Please begin again.")
            self.message_user(request, text, messages.WARNING)
            return back
        return self._go_on(request, purge) or back

    def _ask(self, request: HttpRequest, name: str) -> HttpResponse | None:
        alias = live.backends()[0].database
        purge = Purge(name, uuid7(), Count(0))
        purge = purge._replace(of=count(alias, purge.choice))
        if not purge.of.number:
            text = _("No job waits in queue “%(queue)s”.") % {"queue": name}
            self.message_user(request, text, messages.WARNING)
            return None
        return self._page(request, purge, _("Purge queue?"))

    def _go_on(self, request: HttpRequest, purge: Purge) -> HttpResponse | None:
        """Cancel for a while; return the page to go on from, or None at the end."""
        backend = live.backends()[0]
        queue = Queue(name=purge.queue)
        if not purge.done:
            self.log_change(request, queue, f"Purge begun; jobs waiting: {purge.of}.")
        clock, done = time.monotonic(), purge.done
        for ids in batches(backend.database, purge.choice, until=purge.until):
            cancelled = operate.cancel_many(
                backend.connection, ids, backend.settings.retention
            )
            done += len(cancelled.waiting)
            if time.monotonic() - clock > SECONDS:
                return self._page(
                    request, purge._replace(done=done), _("Purging queue")
                )
        self.log_change(request, queue, f"Purged; jobs cancelled: {done}.")
        text = ngettext(
            "Queue “%(queue)s” is purged: %(number)s waiting job was cancelled.",
            "Queue “%(queue)s” is purged: %(number)s waiting jobs were cancelled.",
            done,
        )
        values = {"queue": purge.queue, "number": done}
        self.message_user(request, text % values, messages.SUCCESS)
        return None

    def _page(self, request: HttpRequest, purge: Purge, title: str) -> HttpResponse:
        context = {
            "purge": purge,
            "token": purge.dump(),
            "queues_url": reverse("admin:django_bgtasks_queue_changelist"),
        }
        return live.respond(request, self.admin_site, "queues", title, context, "purge")
