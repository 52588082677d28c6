from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from ..models import Process
from ..overview.activity import read_running
from ..overview.summary import longest_silence
from ..overview.workers import ProcessState, read_processes
from ..upkeep import presence
from ..vendors import vendor_of
from . import live
from .base import NeverEdited, database, job_url


@admin.register(Process)
class ProcessAdmin(NeverEdited):
    """The processes and what they run. They can be asked to stop, nothing else."""

    def get_urls(self) -> list[URLPattern]:
        views = {"stop": ("stop/", self.stop_view)}
        return [*self.paths(views), *super().get_urls()]

    @method_decorator(require_GET)
    def changelist_view(
        self, request: HttpRequest, extra_context: Any = None
    ) -> HttpResponse:
        live.require(request, "view_process")
        context = {
            "families": self._families(),
            "permissions": live.permissions(request),
            "url": reverse("admin:django_bgtasks_process_changelist"),
            "opts": self.opts,
        }
        return live.respond(request, self.admin_site, "workers", _("Workers"), context)

    def change_view(
        self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        # The admin's log leads here, and most of its processes are gone.
        return HttpResponseRedirect(reverse("admin:django_bgtasks_process_changelist"))

    def _families(self) -> list[list[dict[str, Any]]]:
        """Return processes with what they run, each supervisor with its workers."""
        ours = live.backends()
        if not ours:
            return []
        vendor = vendor_of(ours[0].connection)
        now = vendor.now()
        processes = read_processes(vendor, longest_silence(ours), now)
        running: dict[int, list[Any]] = {}
        for line in read_running(vendor, now):
            running.setdefault(line.process_id, []).append((line, job_url(line.id)))
        families: dict[int, list[dict[str, Any]]] = {}
        known = {each.id for each in processes}
        for each in sorted(processes, key=_elders_first):
            head = each.parent_id if each.parent_id in known else each.id
            about = {"state": each, "running": running.get(each.id, [])}
            families.setdefault(head or each.id, []).append(about)
        return list(families.values())

    @method_decorator(require_POST)
    def stop_view(self, request: HttpRequest) -> HttpResponse:
        live.require(request, "manage_process")
        text, level = self._stop(request, request.POST.get("process", ""))
        self.message_user(request, text, level)
        return HttpResponseRedirect(reverse("admin:django_bgtasks_process_changelist"))

    def _stop(self, request: HttpRequest, given: str) -> tuple[str, int]:
        rows = Process.objects.using(database())
        # Longer ones are no number that a database knows.
        number = int(given) if given.isdecimal() and len(given) < 19 else 0
        process = rows.filter(pk=number).first()
        if process is None or not presence.ask_to_stop(
            vendor_of(live.backends()[0].connection), process.pk
        ):
            return _("That process has ended already."), messages.WARNING
        self.log_change(request, process, "Asked to stop.")
        text = _(
            "“%(process)s” is asked to stop. It starts no further job; those that it "
            "runs may end."
        )
        return text % {"process": process.name}, messages.SUCCESS


def _elders_first(each: ProcessState) -> tuple[str, bool, str]:
    return each.host, each.parent_id is not None, each.name
