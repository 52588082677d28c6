"""A database that is gone for half a minute."""

from __future__ import annotations

import re
import time
from contextlib import suppress
from typing import Any, ClassVar

from django.db import Error, connection

from django_bgtasks.models import Job
from django_bgtasks.vendors import vendor_of

from .. import tasks
from ..figure import Figure
from ..ledger import Blow
from .base import Trial
from .deaths import DEFAULTS

_SECONDS = 30.0
# Of a supervisor with its processes, and of a beat.
_MOST_LINES = 30
_OF_JOBS = re.compile("INFO|WARNING django_bgtasks.job")


def _of_it(lines: list[str]) -> list[str]:
    """Leave out what is said of jobs, which are as many as there are."""
    return [line for line in lines if not _OF_JOBS.match(line)]


class DatabaseGone(Trial):
    """The server crashes, and is back after 30 s."""

    name = "database-gone"
    vendors: ClassVar[tuple[str, ...]] = ("postgresql", "mariadb")
    beats: ClassVar[int] = 2
    options: ClassVar[dict[str, Any]] = DEFAULTS

    def perform(self) -> list[Figure]:
        workers = self.workers()
        commands = [*self.scene.teams, *self.scene.beats]
        lines = {each.pid: len(each.lines) for each in commands}
        began = time.monotonic()
        with self.scene.server.gone():
            self._expect_error()
            time.sleep(max(began + _SECONDS - time.monotonic(), 0.0))
        back = time.monotonic()
        self.blows.append(Blow(self.name, began, back, lingers=5.0))
        connection.close()
        moment = vendor_of(connection).now()
        within = self.all_at_work() - back
        ticked = self._ticks_again(moment)
        if (now := self.workers()) != workers:
            self.wrong.append(f"workers {workers} became {now}")
        said = max(len(_of_it(each.lines[lines[each.pid] :])) for each in commands)
        return [
            Figure("each worker process runs jobs again", within, 5.0),
            Figure("a beat enqueues again", ticked, 5.0),
            Figure("lines that a command logged of it", said, _MOST_LINES, "lines"),
        ]

    def _expect_error(self) -> None:
        """Enqueue, and hear of Django's own error."""
        connection.close()
        try:
            tasks.plain.enqueue(f"plain-{self.name}-0")
        except Error:
            pass
        except Exception as error:
            self.wrong.append(f"enqueue raised {error!r}, which is not Django's")
        else:
            self.wrong.append("enqueue said nothing while the database was away")
        with suppress(Error):
            connection.close()

    def _ticks_again(self, back: Any) -> float:
        vendor = vendor_of(connection)

        def look() -> Any:
            due = Job.objects.filter(schedule_id__isnull=False)
            times = due.order_by("-enqueued_at").values_list("enqueued_at", flat=True)
            last = times.first()
            return last and vendor.from_database(last) > back

        self.wait(look, "a job of a schedule")
        due = Job.objects.filter(schedule_id__isnull=False)
        times = due.values_list("enqueued_at", flat=True)
        later = [at for each in times if (at := vendor.from_database(each)) > back]
        return float((min(later) - back).total_seconds())
