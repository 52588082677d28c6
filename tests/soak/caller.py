"""A caller: ``python -m tests.soak.caller SEED RATE JOURNAL``, until told to stop.

It lives as long as a process of a site does, and enqueues by all the ways there are,
``RATE`` jobs a second, in shares that chance divides. What it commits and what it
rolls back it notes outside of the database.
"""

from __future__ import annotations

import random
import signal
import sys
import time
from collections import deque
from contextlib import suppress
from datetime import timedelta
from typing import Any

import django

django.setup()

from django.db import transaction  # noqa: E402

from django_bgtasks.compat import TaskResultDoesNotExist  # noqa: E402
from tests.chaos import journal  # noqa: E402

from . import tasks  # noqa: E402

_KINDS = (
    *[tasks.quick] * 12,
    *[tasks.atomic] * 6,
    *[tasks.coroutine] * 6,
    *[tasks.waiting] * 2,
    *(tasks.flaky, tasks.doomed, tasks.telling, tasks.logging_much, tasks.not_kept),
    *(tasks.overtime, tasks.overtime_async, tasks.parent, tasks.large),
)


class OnPurpose(Exception):
    """Rolls a transaction back."""


class Caller:
    def __init__(self, seed: int, rate: float, path: str) -> None:
        self.chance = random.Random(seed)
        self.rate, self.path = rate, path
        self.count = 0
        self.is_stopping = False
        self.to_cancel: deque[tuple[float, Any]] = deque()
        self.to_retry: deque[tuple[float, Any]] = deque()
        signal.signal(signal.SIGTERM, self._stop)

    def _stop(self, *_: Any) -> None:
        self.is_stopping = True

    def run(self) -> None:
        began = time.monotonic()
        while not self.is_stopping:
            way = self.chance.choices(
                (self.one, self.in_transaction, self.many, self.later, self.to_stop),
                (60, 8, 1, 8, 2),
            )[0]
            self._note("committed", way())
            self._look_after()
            ahead = self.count / self.rate - (time.monotonic() - began)
            if ahead > 0:
                time.sleep(min(ahead, 1.0))

    # -- ways to enqueue ----------------------------------------------------

    def one(self) -> list[Any]:
        result = self._enqueue(self.chance.choice(_KINDS), time.monotonic())
        if result.task.func is tasks.doomed.func and self.chance.random() < 0.3:
            self.to_retry.append((time.monotonic() + 5, result))
        elif result.task.func is tasks.quick.func and self.chance.random() < 0.01:
            result.wait(timeout=60)
        return [result]

    def in_transaction(self) -> list[Any]:
        results = []
        with suppress(OnPurpose), transaction.atomic():
            for _ in range(3):
                priority = self.chance.choice([-5, 0, 0, 5])
                task = self.chance.choice(_KINDS).using(priority=priority)
                results.append(self._enqueue(task))
            if self.chance.random() < 0.2:
                self._note("rolled back", results)
                results = []
                raise OnPurpose
        return results

    def many(self) -> list[Any]:
        task = self.chance.choice([tasks.quick, tasks.atomic, tasks.coroutine])
        number = self.chance.randint(10, 60)
        self.count += number
        return task.enqueue_many(((), {}) for _ in range(number))

    def later(self) -> list[Any]:
        task = self.chance.choice([tasks.quick, tasks.atomic, tasks.coroutine])
        delay = timedelta(seconds=self.chance.uniform(0.2, 8))
        task = task.using(run_after=delay, metadata={"because": "it can wait"})
        if self.chance.random() < 0.2:
            # Some are begun in time, and some are not.
            task = task.using(expires=delay + timedelta(milliseconds=3))
        return [self._enqueue(task)]

    def to_stop(self) -> list[Any]:
        task = tasks.cancelled
        if self.chance.random() < 0.3:
            task = task.using(run_after=30.0)
        result = self._enqueue(task)
        moment = time.monotonic() + self.chance.uniform(0.0, 0.5)
        self.to_cancel.append((moment, result))
        return [result]

    # -- what comes later ---------------------------------------------------

    def _look_after(self) -> None:
        now = time.monotonic()
        while self.to_cancel and self.to_cancel[0][0] <= now:
            self.to_cancel.popleft()[1].cancel()
        while self.to_retry and self.to_retry[0][0] <= now:
            result = self.to_retry.popleft()[1]
            # It may still run, or be gone.
            with suppress(ValueError, TaskResultDoesNotExist):
                result.retry()

    def _enqueue(self, task: Any, sent: float | None = None) -> Any:
        self.count += 1
        if task.func is tasks.large.func:
            return task.enqueue(sent, "a long text " * self.chance.randint(100, 2500))
        return task.enqueue(sent)

    def _note(self, what: str, results: list[Any]) -> None:
        if results:
            journal.note(self.path, what, jobs=[result.id for result in results])


if __name__ == "__main__":
    _, seed, rate, path = sys.argv
    Caller(int(seed), float(rate), path).run()
