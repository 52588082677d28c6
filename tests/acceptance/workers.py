"""Workers in processes of their own, and what tests see of them."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
from django.db import OperationalError, connection, transaction

from django_bgtasks.models import (
    Attempt,
    DeferredJob,
    FinishedJob,
    Job,
    Process,
    ReadyJob,
    RunningJob,
)
from tests.processes import CommandProcess
from tests.testapp.models import Effect
from tests.waiting import eventually

# As long as anything takes on a busy machine; only a failure waits so long.
PATIENCE = 90


class Worker(CommandProcess):
    """``runworker``: a supervisor with its processes."""

    def processes(self) -> list[psutil.Process]:
        """The worker processes that live, oldest first."""
        found = []
        for child in self.children():
            with suppress(psutil.NoSuchProcess):
                if (
                    "django_bgtasks.processes.child" in child.cmdline()
                    and child.status() != psutil.STATUS_ZOMBIE
                ):
                    found.append(child)
        return sorted(found, key=lambda child: child.create_time())

    def process(self) -> psutil.Process:
        """The only worker process, once it lives."""
        (process,) = eventually(self.processes, "a worker process", PATIENCE)
        return process

    def signal_all(self, number: int) -> None:
        """Signal the supervisor and then its processes."""
        for process in self.family():
            with suppress(psutil.NoSuchProcess):
                process.send_signal(number)

    def family(self) -> list[psutil.Process]:
        """The supervisor and its processes."""
        return [psutil.Process(self.pid), *self.children()]


Start = Callable[..., Worker]


class Gate:
    """What tasks wait at until the test opens it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __str__(self) -> str:
        return os.fspath(self.path)

    def open(self) -> None:
        self.path.touch()


def effects() -> Counter[str]:
    """How often each thing was done."""
    return Counter(Effect.objects.values_list("key", flat=True))


def await_effects(*keys: str) -> None:
    """Wait until each of these has been done."""
    wanted = set(keys)
    eventually(
        lambda: not wanted - set(effects()), f"the effects {keys}", PATIENCE, 0.02
    )


def await_finished(results: Iterable[Any], timeout: float = PATIENCE) -> list[Any]:
    """Wait until all of these jobs have finished, and return them refreshed."""
    results = list(results)
    ids = [result.id for result in results]

    def count() -> int:
        return sum(
            FinishedJob.objects.filter(pk__in=ids[start : start + 500]).count()
            for start in range(0, len(ids), 500)
        )

    eventually(lambda: count() == len(ids), f"{len(ids)} jobs", timeout, 0.05)
    for result in results:
        result.refresh()
    return results


def await_empty() -> None:
    """Wait until every job has finished."""
    eventually(
        lambda: not unfinished() and FinishedJob.objects.count() >= Job.objects.count(),
        "every job to be finished",
        PATIENCE,
        0.05,
    )


def await_end(process: psutil.Process) -> None:
    """Wait until a process, that somebody else has started, is gone."""

    def has_ended() -> bool:
        try:
            return process.status() == psutil.STATUS_ZOMBIE or not process.is_running()
        except psutil.NoSuchProcess:
            return True

    eventually(has_ended, f"the end of {process}", PATIENCE)


def stand_still(*processes: psutil.Process) -> None:
    """Stop processes (SIGSTOP), but not in the midst of a write.

    Where there is one lock for all writers, nobody could go on without it.
    """

    def are_stopped_between_writes() -> bool:
        for process in processes:
            process.send_signal(signal.SIGSTOP)
        eventually(
            lambda: all(
                process.status() == psutil.STATUS_STOPPED for process in processes
            ),
            "their standstill",
        )
        try:
            with transaction.atomic():
                Effect.objects.filter(key="nothing").delete()
        except OperationalError:
            for process in processes:
                process.send_signal(signal.SIGCONT)
            return False
        return True

    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA busy_timeout = 100")
    eventually(are_stopped_between_writes, "a moment between writes", PATIENCE)
    connection.close()


def unfinished() -> int:
    models = (ReadyJob, DeferredJob, RunningJob)
    return sum(model.objects.count() for model in models)


def outcomes() -> Counter[str]:
    return Counter(FinishedJob.objects.values_list("outcome", flat=True))


def lost_attempts() -> list[Attempt]:
    return list(Attempt.objects.filter(outcome="lost"))


def live_processes() -> list[Process]:
    return list(Process.objects.filter(kind="worker"))
