"""This package itself."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import nullcontext
from datetime import datetime
from importlib import metadata
from typing import Any
from uuid import UUID

import django
from django.core.management import call_command
from django.core.management.color import no_style
from django.db import connection, transaction
from django.db.models import Max, Min

import django_bgtasks
from benchmarks import tasks
from benchmarks.loops import Moments, one_by_one
from benchmarks.workers import WorkerProcess
from django_bgtasks import models
from django_bgtasks.backend import Call

from .base import Workforce

_EMPTIED = (
    models.Job,
    models.ReadyJob,
    models.DeferredJob,
    models.RunningJob,
    models.FinishedJob,
    models.Attempt,
    models.JobProgress,
)
_SECONDS_TO_START = 30
# What a worker process does once after its first job.
_SECONDS_TO_SETTLE = 1


class BgTasks:
    name = "bgtasks"
    servers = ()
    jobs = None

    def __init__(self) -> None:
        self._last_id: UUID | None = None

    def versions(self) -> dict[str, str]:
        wrapper: Any = connection
        driver = wrapper.Database.__name__.partition(".")[0]
        # The package that a module comes from; none for one of Python's own.
        packages = metadata.packages_distributions().get(driver, [])
        return {
            "django_bgtasks": django_bgtasks.__version__,
            "Django": django.get_version(),
            **{package: metadata.version(package) for package in packages},
        }

    def can(self, part: str) -> bool:
        return True

    def set_up(self) -> None:
        call_command("migrate", verbosity=0)

    def tear_down(self) -> None:
        pass

    def clear(self) -> None:
        tables = [model._meta.db_table for model in _EMPTIED]
        statements = connection.ops.sql_flush(no_style(), tables)
        connection.ops.execute_sql_flush(statements)

    def enqueue_each(
        self,
        task: str,
        values: Sequence[float],
        *,
        pause: float = 0.0,
        in_transaction: bool = False,
    ) -> Moments:
        with transaction.atomic() if in_transaction else nullcontext():
            return one_by_one(getattr(tasks, task).enqueue, values, pause)

    def enqueue_many(self, task: str, values: Sequence[float]) -> float:
        calls: list[Call] = [((value,), {}) for value in values]
        before = time.monotonic()
        results = getattr(tasks, task).enqueue_many(calls)
        seconds = time.monotonic() - before
        self._last_id = UUID(results[-1].id)
        return seconds

    def rest(self) -> None:
        pass

    def worker(self, workforce: Workforce) -> WorkerProcess:
        arguments = ["django", "runworker", "--verbosity", "0"]
        for option in ("processes", "threads", "coroutines"):
            if (number := getattr(workforce, option)) is not None:
                arguments += [f"--{option}", str(number)]
        return WorkerProcess(arguments)

    def await_idle(self, worker: WorkerProcess, workforce: Workforce) -> None:
        rows = models.Process.objects.filter(kind=models.Process.Kind.WORKER)
        deadline = time.monotonic() + _SECONDS_TO_START
        # A row is there before its process is ready; a job done shows that one is.
        tasks.noop.enqueue(0)
        while (
            rows.count() < workforce.processes
            or not models.FinishedJob.objects.exists()
        ):
            worker.check()
            if time.monotonic() > deadline:
                raise TimeoutError("The worker did not start in time.")
            time.sleep(0.05)
        time.sleep(_SECONDS_TO_SETTLE)
        self.clear()

    def is_drained(self, count: int) -> bool:
        finished = models.FinishedJob.objects
        # The job enqueued last is among the last to end: a look-up by key, which
        # does not slow the workers down as counting would.
        if not finished.filter(pk=self._last_id).exists():
            return False
        return finished.count() >= count

    def span(self) -> tuple[datetime, datetime]:
        found = models.FinishedJob.objects.aggregate(
            first=Min("started_at"), last=Max("finished_at")
        )
        return found["first"], found["last"]
