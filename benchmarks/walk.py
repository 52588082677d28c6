"""The way of no-op jobs through a worker, in one thread and without a server.

The steps are those of a drain. They are internals of the package, by their own names.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Any

from django.db import connection

from django_bgtasks.ids import new_ids
from django_bgtasks.lifecycle import claim, finish
from django_bgtasks.lifecycle.run import Owner
from django_bgtasks.lifecycle.tally import Tally
from django_bgtasks.processes.board import Board
from django_bgtasks.processes.desk import Desk
from django_bgtasks.processes.lanes import Lanes
from django_bgtasks.processes.patrol import Took
from django_bgtasks.processes.slot import Slot
from django_bgtasks.processes.threads import ThreadPool
from django_bgtasks.vendors import Taken, vendor_of
from django_bgtasks.vendors.postgresql import _swap
from django_bgtasks.vendors.statement import encoded

from . import tasks

BATCH = 500
_OWNER = Owner(1, "steps")
Step = Callable[[str], AbstractContextManager[None]]


class Walk:
    """Takes batches of no-op jobs through all that is not the server's."""

    def __init__(self, step: Step) -> None:
        self._step = step
        self._vendor: Any = vendor_of(connection)
        self._desk = Desk(connection.alias)
        self._desk.recorded = False
        board = Board.create(1)
        self._pool = ThreadPool(0, self._desk, board, _OWNER, connection.alias)
        self._slot = Slot(0)
        self._lanes = Lanes(["default"], lasting=True)
        self._tally = Tally()

    def batch(self) -> None:
        now, clock = datetime.now(UTC), time.monotonic()
        taken = Taken(now, [_row(key, now) for key in new_ids(BATCH)], clock)
        with self._step("read a claim"):
            jobs, _ = claim.jobs(self._vendor, taken)
        with self._step("choose where to look next"):
            self._lanes.look(clock, BATCH)
            self._lanes.learn(jobs, BATCH, clock, Took(0.01, 2 * BATCH, now))
        with self._step("run"):
            for job in jobs:
                self._pool._run(self._slot, job)
        with self._step("collect"):
            outcomes = self._desk.collect()
        with self._step("order the finish"):
            swap = finish.swap(self._vendor, _OWNER.id, _OWNER.name, outcomes)
        with self._step("write the finish's statement"):
            params: list[Any] = []
            _swap(swap, [], params)
            encoded(params)
        with self._step("add up"):
            self._tally.add(outcomes, clock)


def _row(key: str, now: datetime) -> tuple[Any, ...]:
    body = (tasks.noop.module_path, "default", "[1]", "{}", None, None, None, now)
    return (key, 1, "default", 0, now, *body, None, None)
