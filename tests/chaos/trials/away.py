"""A database that is gone for half a minute."""

from __future__ import annotations

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


class DatabaseGone(Trial):
    """The server crashes, and is back after 30 s; SQLite is locked for so long."""

    name = "database-gone"
    beats: ClassVar[int] = 2
    options: ClassVar[dict[str, Any]] = DEFAULTS

    def perform(self) -> list[Figure]:
        workers = self._workers()
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
        within = self._all_run(workers, back) - back
        ticked = self._ticks_again(moment)
        if (now := self._workers()) != workers:
            self.wrong.append(f"workers {workers} became {now}")
        said = max(len(each.lines) - lines[each.pid] for each in commands)
        return [
            Figure("each worker process runs jobs again", within, 5.0),
            Figure("a beat enqueues again", ticked, 5.0),
            Figure("lines that a command logged of it", said, _MOST_LINES, "lines"),
        ]

    def _workers(self) -> set[int]:
        return {each.pid for team in self.scene.teams for each in team.processes()}

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

    def _all_run(self, workers: set[int], since: float) -> float:
        """Return when the last of these processes has begun a job."""
        first: dict[int, float] = {}
        keys: set[str] = set()
        unbegun: set[str] = set()

        def look() -> bool:
            nonlocal unbegun
            if len(unbegun) < 8:
                keys.update(self.ask(tasks.held, 0.3, times=8))
            runs = self.runs(keys)
            unbegun = keys - runs.keys()
            for run in (run for some in runs.values() for run in some):
                first[run.pid] = min(first.get(run.pid, run.began), run.began)
            return workers <= first.keys()

        self.wait(look, f"each of {workers} to run a job")
        return max(first[pid] for pid in workers)

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
