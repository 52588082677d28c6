"""A caller: ``python -m tests.chaos.caller SEED NAME JOBS RATE JOURNAL [TASKS]``.

It enqueues by a plan that its seed decides: one, many, in transactions that commit
and that roll back, for later, to be cancelled. What it is told of each it notes
outside of the database; what it commits says so in the same transaction. An error of
the database is noted, and the next call follows. ``TASKS`` are names by comma: the
load is of these alone; or, after a plus, of one of these each second too; or, after a
star, of these to a quarter.
"""

from __future__ import annotations

import random
import signal
import sys
import time
from collections.abc import Callable
from itertools import cycle
from typing import Any

import django

django.setup()

from django.db import Error, OperationalError, connection, transaction  # noqa: E402

from tests.testapp.models import Effect  # noqa: E402

from . import evil, journal, tasks  # noqa: E402

_LIKELY = 4
# Of the tasks that are added to the load, by each caller.
_A_SECOND, _SHARE = 1.0, 0.25
# One that takes a process away for long comes less often than the others do.
_RARELY = {"frozen": 0.1}
_ROWS = (["RunningJob"], ["Job"], ["RunningJob", "Job"])


class OnPurpose(Exception):
    """Rolls a transaction back."""


class Caller:
    def __init__(
        self, seed: int, name: str, jobs: int, rate: float, path: str, only: str
    ) -> None:
        names = only.lstrip("+*").split(",")
        named = [getattr(tasks, each) for each in names if each]
        self.more, self.only = (named, []) if only[:1] in ("+", "*") else ([], named)
        self.often = _SHARE if only[:1] == "*" else min(0.2, _A_SECOND / rate)
        self.chance = random.Random(f"{seed} {name}")
        self.name, self.jobs, self.rate, self.path = name, jobs, rate, path
        # Each way in its turn, so that none is left out.
        self.ways = cycle(self.chance.sample(sorted(evil.WAYS), len(evil.WAYS)))
        self.count = 0
        self.to_cancel: list[Any] = []

    def run(self) -> None:
        began = time.monotonic()
        signal.signal(signal.SIGTERM, self._stop)
        while self.count < self.jobs:
            self._call(self.chance.choice(self._ways()))
            if self.to_cancel and self.chance.random() < 0.5:
                self._cancel(self.to_cancel.pop(0))
            ahead = self.count / self.rate - (time.monotonic() - began)
            if ahead > 0:
                time.sleep(min(ahead, 1.0))
        for result in self.to_cancel:
            self._cancel(result)
        self._note("finished")

    def _stop(self, *_: Any) -> None:
        """Ask for no more; what was begun is done."""
        self.jobs = self.count

    def _ways(self) -> list[Callable[[list[str]], Any]]:
        if self.only:
            return [self.one, self.in_transaction]
        return [
            *[self.one] * _LIKELY,
            *[self.in_transaction] * _LIKELY,
            *(self.many, self.later, self.rolled_back),
            *(self.half_rolled_back, self.cancel_later),
        ]

    def _call(self, way: Callable[[list[str]], Any]) -> None:
        keys: list[str] = []
        try:
            way(keys)
        except OnPurpose:
            self._note("rolled back", keys=keys)
        except Error as error:
            # Before the answer to a commit came, nobody knows of it.
            self._note("unknown", keys=keys, error=f"{type(error).__name__}: {error}")
            connection.close()
            time.sleep(0.05)
        else:
            self._note("committed", keys=keys)

    # -- ways to enqueue ----------------------------------------------------

    def one(self, keys: list[str]) -> None:
        """In autocommit: the row of the job is all there is."""
        task, args = self._pick()
        keys.append(args[0])
        self._note("asks", keys=keys)
        task.enqueue(*args)

    def in_transaction(self, keys: list[str]) -> None:
        with transaction.atomic():
            for _ in range(self.chance.randint(1, 3)):
                task, args = self._pick()
                self._ask(keys, args[0])
                task.enqueue(*args)

    def many(self, keys: list[str]) -> None:
        task = self.chance.choice([tasks.plain, tasks.atomic])
        most = max(12, round(self.rate))
        some = [self._key(task) for _ in range(self.chance.randint(2, most))]
        priority = self.chance.choice([-1, 0, 0, 7])
        with transaction.atomic():
            keys += some
            Effect.objects.bulk_create(Effect(key=f"asked:{key}") for key in some)
            task.using(priority=priority).enqueue_many(((key,), {}) for key in some)

    def later(self, keys: list[str]) -> None:
        task = self.chance.choice([tasks.plain, tasks.atomic])
        key = self._key(task)
        with transaction.atomic():
            self._ask(keys, key)
            task.using(run_after=self.chance.uniform(0.1, 2.0)).enqueue(key)

    def rolled_back(self, keys: list[str]) -> None:
        with transaction.atomic():
            self.in_transaction(keys)
            raise OnPurpose

    def half_rolled_back(self, keys: list[str]) -> None:
        """A savepoint that goes, in a transaction that stays."""
        undone: list[str] = []
        with transaction.atomic():
            self.in_transaction(keys)
            try:
                with transaction.atomic():
                    self.in_transaction(undone)
                    raise OnPurpose
            except OnPurpose:
                self._note("rolled back", keys=undone)
                if connection.needs_rollback:
                    # Django could not go back to the savepoint, and says so to
                    # nobody: all of it will be rolled back in silence.
                    raise OperationalError("The savepoint is lost.") from None

    def cancel_later(self, keys: list[str]) -> None:
        key = self._key(tasks.cancelled)
        with transaction.atomic():
            self._ask(keys, key)
            task = tasks.cancelled
            if self.chance.random() < 0.3:
                task = task.using(run_after=0.3)
            result = task.enqueue(key)
        self.to_cancel.append(result)

    def _cancel(self, result: Any) -> None:
        key = result.args[0]
        try:
            where = result.cancel()
        except Error as error:
            self._note("cancel unknown", key=key, error=str(error))
            connection.close()
        except Exception as error:
            self._note("cancel refused", key=key, error=type(error).__name__)
        else:
            self._note("cancelled", key=key, where=str(where))

    # -- words --------------------------------------------------------------

    def _pick(self) -> tuple[Any, tuple[Any, ...]]:
        kinds = (
            *[tasks.plain] * 6,
            *[tasks.atomic] * 6,
            *(tasks.chain, tasks.flaky, tasks.flaky_atomic, tasks.doomed),
            *(tasks.held, tasks.held_atomic, tasks.overtime, tasks.coroutine),
        )
        task = self.chance.choice(self.only or kinds)
        if self.more and self.chance.random() < self.often:
            weights = [_RARELY.get(each.func.__name__, 1) for each in self.more]
            [task] = self.chance.choices(self.more, weights)
        key = self._key(task)
        if task in (tasks.held, tasks.held_atomic):
            return task, (key, round(self.chance.uniform(0.1, 0.8), 2))
        if task in (tasks.hostile, tasks.hostile_atomic):
            return task, (key, next(self.ways))
        if task is tasks.frozen:
            return task, (key, *self.chance.choices([1.0, 3.0, 30.0], [6, 3, 1]))
        if task is tasks.deleter:
            return task, (key, self.chance.choice(_ROWS))
        return task, (key,)

    def _key(self, task: Any) -> str:
        self.count += 1
        kind = task.func.__name__.replace("_", "-")
        return f"{kind}-{self.name}-{self.count}"

    def _ask(self, keys: list[str], key: str) -> None:
        keys.append(key)
        Effect.objects.create(key=f"asked:{key}")

    def _note(self, what: str, **facts: Any) -> None:
        journal.note(self.path, what, **facts)


if __name__ == "__main__":
    _, seed, name, jobs, rate, path, *only = sys.argv
    Caller(int(seed), name, int(jobs), float(rate), path, ",".join(only)).run()
