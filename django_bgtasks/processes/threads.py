"""The threads that run sync tasks."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from queue import Empty, SimpleQueue
from typing import Any

from django.db import connections

from ..lifecycle import execute, run
from ..lifecycle.outcome import ClaimedJob, Execution, Outcome
from .board import Board
from .desk import Desk, WorkerControl
from .slot import INTERRUPTS, Slot
from .tidy import has_expired, refresh, tidy

logger = logging.getLogger("django_bgtasks.worker")

# Seconds after which a thread's connections may have become too old, or been cut.
_STALE = 0.05


class ThreadPool:
    """Runs jobs in the order they are put, each thread one at a time."""

    def __init__(
        self, size: int, desk: Desk, board: Board, owner: run.Owner, database: str
    ) -> None:
        self.slots = [Slot(number) for number in range(size)]
        self._desk = desk
        self._board = board
        self._owner = owner
        self._database = database
        self._inbox: SimpleQueue[ClaimedJob | None] = SimpleQueue()
        self._threads = [
            threading.Thread(
                target=self._work, args=(slot,), name=f"bgtasks-{n}", daemon=True
            )
            for n, slot in enumerate(self.slots)
        ]
        for thread in self._threads:
            thread.start()

    def put(self, job: ClaimedJob) -> None:
        self._inbox.put(job)

    def take_back(self) -> list[ClaimedJob]:
        """Return the jobs that no thread has taken up, and forget them."""
        found: list[ClaimedJob] = []
        try:
            while True:
                job = self._inbox.get_nowait()
                if job is not None:
                    found.append(job)
        except Empty:
            return found

    def has_waiting(self) -> bool:
        return not self._inbox.empty()

    def running(self) -> list[tuple[Slot, Execution]]:
        """Return what runs at this moment, each with its place."""
        found = [(slot, slot.execution) for slot in self.slots]
        return [(slot, execution) for slot, execution in found if execution]

    def stop(self) -> None:
        for _ in self._threads:
            self._inbox.put(None)

    def _work(self, slot: Slot) -> None:
        while True:
            try:
                job = self._inbox.get()
                if job is None:
                    break
                self._run(slot, job)
            except INTERRUPTS:
                continue
            except BaseException:
                logger.exception("A thread of the worker goes on after an error.")
        connections.close_all()

    def _run(self, slot: Slot, job: ClaimedJob) -> None:
        try:
            plan = self._desk.plan(job)
            control = WorkerControl(self._desk, job, plan.max_payload, slot)
            if time.monotonic() - slot.tidied > _STALE or has_expired():
                refresh()
            clock = time.monotonic()
            ready = execute.prepare(job, plan, self._owner.name, control, clock)
        except BaseException as error:
            ready = execute.refuse(job, error, self._owner.name)
        if isinstance(ready, Outcome):
            outcome = ready
        else:
            ready.recorded = self._desk.recorded
            outcome = self._execute(slot, ready)
        self._desk.deliver(outcome)

    def _execute(self, slot: Slot, execution: Execution) -> Outcome:
        self._board.begin(slot.number, execution.job.id, execution.control.deadline)
        outcome = None
        try:
            outcome = self._attempt(slot, execution)
            interrupted = slot.close()
        except INTERRUPTS as interrupt:
            # It came on the way from the task to here.
            interrupted = slot.close()
            outcome = outcome or run.failed(execution, interrupt)
        for connection in _connections_here(slot):
            tidy(connection, spoilt=interrupted)
        slot.tidied = time.monotonic()
        self._board.end(slot.number)
        return outcome

    def _attempt(self, slot: Slot, execution: Execution) -> Outcome:
        slot.open(execution)
        try:
            vendor = self._desk.vendor_here() if execution.plan.atomic else None
            return run.run_sync(execution, vendor, self._owner)
        except KeyboardInterrupt as interrupt:
            # The task asked that the process ends; so it does, in order.
            self._desk.interrupted = True
            return run.failed(execution, interrupt)
        except BaseException as error:
            return run.failed(execution, error)


def _connections_here(slot: Slot) -> Sequence[Any]:
    """Return this thread's connections; fast once all that there can be are made."""
    if len(slot.databases) < len(connections.settings):
        found = connections.all(initialized_only=True)
        slot.databases = [connection.alias for connection in found]
        return found
    return [connections[alias] for alias in slot.databases]
