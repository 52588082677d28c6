"""The event loop that runs async tasks, hundreds at once."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import deque
from contextvars import copy_context
from typing import Any

from asgiref.sync import sync_to_async

from ..lifecycle import execute, run
from ..lifecycle.outcome import ClaimedJob, Execution, Outcome, Plan
from .board import Board
from .desk import Desk, WorkerControl
from .tidy import has_expired, refresh

logger = logging.getLogger("django_bgtasks.worker")

# Seconds between looks after the connections of the thread that serves
# sync_to_async().
_TIDY_EVERY = 5.0
# Coroutines that are made before those made already begin.
_AT_ONCE = 50


class Coroutines:
    """Runs coroutine jobs in one thread; ``slots`` are its places on the board."""

    def __init__(
        self, desk: Desk, board: Board, owner: run.Owner, slots: range
    ) -> None:
        self._desk = desk
        self._board = board
        self._owner = owner
        self._free = list(slots)
        self._waiting: deque[tuple[ClaimedJob, Plan]] = deque()
        self._running: dict[str, tuple[asyncio.Task[None], Execution]] = {}
        self._reasons: dict[str, type[BaseException]] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._serve, name="bgtasks-loop", daemon=True
        )
        self._thread.start()

    def put(self, jobs: list[tuple[ClaimedJob, Plan]]) -> None:
        self._waiting.extend(jobs)
        self._loop.call_soon_threadsafe(self._start_some)

    def take_back(self) -> list[ClaimedJob]:
        """Return the jobs that were not begun, and forget them."""
        found: list[ClaimedJob] = []
        try:
            while True:
                found.append(self._waiting.popleft()[0])
        except IndexError:
            return found

    def has_waiting(self) -> bool:
        return bool(self._waiting)

    def running(self) -> list[Execution]:
        return [execution for _, execution in list(self._running.values())]

    def interrupt(self, execution: Execution, exception: type[BaseException]) -> None:
        """Cancel the coroutine; it ends as ``exception``."""
        self._loop.call_soon_threadsafe(
            self._cancel, execution.job.id, execution, exception
        )

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._tidying = self._loop.create_task(self._tidy())
        while True:
            try:
                self._loop.run_forever()
            except (SystemExit, KeyboardInterrupt):
                # Of a coroutine that a task started beside itself. Here they would
                # end the loop, and with it every other job.
                logger.exception("The event loop goes on after an exit was asked for.")

    def _start_some(self) -> None:
        for _ in range(min(_AT_ONCE, len(self._free))):
            try:
                job, plan = self._waiting.popleft()
            except IndexError:
                return
            self._start(job, plan)
        if self._free and self._waiting:
            self._loop.call_soon(self._start_some)

    def _start(self, job: ClaimedJob, plan: Plan) -> None:
        if has_expired():
            refresh()
            # In the thread that serves sync_to_async(), before it serves this job.
            self._renewing = self._loop.create_task(self._refresh())
        control = WorkerControl(self._desk, job, plan.max_payload)
        clock = time.monotonic()
        ready = execute.prepare(job, plan, self._owner.name, control, clock)
        if isinstance(ready, Outcome):
            self._desk.deliver(ready)
            return
        ready.recorded = self._desk.recorded
        slot = self._free.pop()
        self._board.begin(slot, job.id, control.deadline)
        ready.context = copy_context()
        task = self._loop.create_task(self._run(ready, slot), context=ready.context)
        self._running[job.id] = task, ready

    def _cancel(
        self,
        job_id: str,
        execution: Execution,
        exception: type[BaseException],
    ) -> None:
        task, current = self._running.get(job_id, (None, None))
        if task is not None and current is execution:
            self._reasons[job_id] = exception
            task.cancel()

    async def _run(self, execution: Execution, slot: int) -> None:
        job_id = execution.job.id
        try:
            outcome = await run.run_async(execution)
        except asyncio.CancelledError as cancelled:
            reason = self._reasons.get(job_id)
            outcome = run.failed(execution, reason() if reason else cancelled)
        except BaseException as interrupt:
            outcome = run.failed(execution, interrupt)
            self._desk.interrupted = True
        self._board.end(slot)
        self._free.append(slot)
        self._reasons.pop(job_id, None)
        self._running.pop(job_id, None)
        self._desk.deliver(outcome)
        self._start_some()

    async def _tidy(self) -> None:
        while True:
            await asyncio.sleep(_TIDY_EVERY)
            await self._refresh()

    async def _refresh(self) -> None:
        there: Any = sync_to_async(refresh)
        await there()
