"""How soon the jobs of the dead run again."""

from __future__ import annotations

import os
import signal
import time
from typing import Any, ClassVar

from django_bgtasks.models import Process

from .. import tasks
from ..figure import Figure
from ..ledger import Blow
from .base import Trial

# What a site has that says nothing else.
DEFAULTS = {"RESCUE_AFTER": 20.0, "HEARTBEAT": 5.0}


class WorkerKilled(Trial):
    """kill -9 of a worker process in the midst of its jobs, three times."""

    name = "worker-killed"
    options: ClassVar[dict[str, Any]] = DEFAULTS
    _ROUNDS = 3

    def perform(self) -> list[Figure]:
        waits = [self._round() for _ in range(self._ROUNDS)]
        return [Figure("jobs of a killed process run again", max(waits), 1.0)]

    def _round(self) -> float:
        self.all_at_work()
        keys = self.ask(tasks.held, 1.0, times=4)
        runs = [some[-1] for some in self.all_begun(keys).values()]
        pid = self.scene.chance.choice(sorted({run.pid for run in runs}))
        struck = _kill(self, {pid})
        again = self.begun_again(self.torn(keys, {pid}))
        self.wait(lambda: self.have_ended(keys), "the jobs to end")
        return max(again.values(), default=struck) - struck


class HostKilled(Trial):
    """kill -9 of a supervisor with all it has, just after it said that it lives."""

    name = "host-killed"
    options: ClassVar[dict[str, Any]] = DEFAULTS

    def perform(self) -> list[Figure]:
        self.all_at_work()
        keys = self.ask(tasks.held, 45.0, times=4)
        runs = [some[-1] for some in self.all_begun(keys).values()]
        self.scene.learn()
        families = [self.scene.family(team.pid) for team in self.scene.teams]
        host = next(each for each in families if any(run.pid in each for run in runs))
        before = _heartbeat(host)
        self.wait(lambda: _heartbeat(host) > before, "a heartbeat")
        struck = _kill(self, set(host))
        again = self.begun_again(self.torn(keys, host))
        waited = max(again.values(), default=struck) - struck
        return [Figure("jobs of a killed host run again", waited, 20.0)]


def _kill(trial: Trial, pids: set[int]) -> float:
    for pid in sorted(pids):
        os.kill(pid, signal.SIGSTOP)
    struck = time.monotonic()
    for pid in sorted(pids):
        os.kill(pid, signal.SIGKILL)
    trial.blows.append(Blow(trial.name, struck, struck, frozenset(pids)))
    return struck


def _heartbeat(host: frozenset[int]) -> Any:
    rows = Process.objects.filter(pid__in=host).order_by("heartbeat_at")
    return rows.values_list("heartbeat_at", flat=True)[0]
