"""A process that goes on when others have long done its jobs."""

from __future__ import annotations

import re
import signal
import time
from typing import Any, ClassVar

import psutil

from django_bgtasks.models import (
    Attempt,
    DeferredJob,
    FinishedJob,
    Job,
    ReadyJob,
    RunningJob,
)
from tests.testapp.models import Effect

from .. import tasks
from ..facts import unfinished
from ..faults.processes import signal_all
from ..figure import Figure
from ..ledger import Blow, is_atomic
from .base import Trial

_STATES: tuple[Any, ...] = (ReadyJob, DeferredJob, RunningJob, FinishedJob, Attempt)
_REFUSED = re.compile("Late finish|was taken for dead")


class ZombieLate(Trial):
    """SIGSTOP until its jobs were run elsewhere, then SIGCONT, and its late finish."""

    name = "zombie-late"
    options: ClassVar[dict[str, Any]] = {"RESCUE_AFTER": 3.0, "HEARTBEAT": 0.5}

    def perform(self) -> list[Figure]:
        self.all_at_work()
        keys = self.ask(tasks.held, 2.0, times=4)
        if self.scene.server.vendor != "sqlite":
            # There, it would stand still with the one lock that all writers share.
            keys |= self.ask(tasks.held_atomic, 2.0, times=4)
        runs = [some[-1] for some in self.all_begun(keys).values()]
        pid = runs[0].pid
        team = next(
            each for each in self.scene.teams if pid in self.scene.family(each.pid)
        )
        family = self.scene.family(team.pid)
        began = time.monotonic()
        signal_all(sorted(family), signal.SIGSTOP)
        torn = self.torn(keys, family)
        self.begun_again(torn)
        self.wait(lambda: self.have_ended({run.key for run in torn}), "their ends")
        self.wait(lambda: not unfinished(), "the record of their ends")
        before = _state(keys)
        # Their supervisor, awake, would kill them before they say a word.
        signal_all(family - {team.pid}, signal.SIGCONT)
        self.wait(lambda: not any(map(_lives, family - {team.pid})), "their end")
        self.blows.append(Blow(self.name, began, time.monotonic(), family))
        team.send_signal(signal.SIGCONT)
        after = _state(keys)
        said = sum(bool(_REFUSED.search(line)) for line in team.lines)
        if not said:
            self.wrong.append(f"nobody was told of it: {team.last_words}")
        changes = len(before ^ after)
        return [
            Figure(f"changes by late finishes ({said} lines of it)", changes, 0, "rows")
        ]


def _state(keys: set[str]) -> set[tuple[Any, ...]]:
    """All that may not change: rows of jobs, and effects of atomic ones."""
    ids = [row.pk for row in Job.objects.all() if row.args and row.args[0] in keys]
    found: set[tuple[Any, ...]] = set()
    for model in _STATES:
        rows = model.objects.filter(job_id__in=ids).values_list()
        found |= {(model.__name__, *map(repr, row)) for row in rows}
    wanted = [f"done:{key}" for key in keys if is_atomic(key)]
    effects = Effect.objects.filter(key__in=wanted).values_list("pk", "key")
    return found | {("effect", *row) for row in effects}


def _lives(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
