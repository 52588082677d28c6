"""Those who run the jobs of a worker process: its threads and its event loop."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from inspect import iscoroutinefunction

from .. import registry
from ..audience import records
from ..exceptions import TaskCancelled
from ..lifecycle import run
from ..lifecycle.outcome import SUCCEEDED, ClaimedJob, Execution
from ..log import one_line
from .board import Board
from .config import WorkerConfig
from .coroutines import Coroutines
from .demand import PATIENCE, Demand
from .desk import Desk
from .slot import Slot
from .threads import ThreadPool

logger = logging.getLogger("django_bgtasks.worker")

# Seconds for atomic tasks to roll back when the worker's own time is over.
_ROLL_BACK = 1.0


class Staff:
    """Hands jobs to whom they suit, and knows which are held."""

    def __init__(
        self,
        config: WorkerConfig,
        desk: Desk,
        board: Board,
        owner: run.Owner,
        database: str,
    ) -> None:
        self.held: dict[str, ClaimedJob] = {}
        self.demand = Demand(config.threads, config.coroutines)
        self._in_loop: set[str] = set()
        self._desk = desk
        self._board = board
        self._owner = owner
        self._loop_slots = range(config.threads, config.threads + config.coroutines)
        self._threads = ThreadPool(config.threads, desk, board, owner, database)
        self._loop: Coroutines | None = None
        # Only then are jobs claimed to see whether there are coroutines.
        self._may_be_async = any(
            iscoroutinefunction(task.func) for _, task in registry.declared()
        )

    def wanted(self, clock: float) -> int:
        """How many more jobs could begin soon."""
        return self.demand.wanted(*self._counts(), clock, probe=self._may_be_async)

    def take(self, jobs: Sequence[ClaimedJob], clock: float) -> None:
        """Have what was just claimed be run."""
        before = self._counts()
        coroutines = self._hand_out(jobs)
        self._may_be_async = self._may_be_async or coroutines > 0
        sync = len(jobs) - coroutines
        self.demand.claimed(*before, clock, sync=sync, coroutines=coroutines)

    def _counts(self) -> tuple[int, int]:
        in_loop = len(self._in_loop)
        return len(self.held) - in_loop, in_loop

    def _hand_out(self, jobs: Sequence[ClaimedJob]) -> int:
        """Give jobs to threads and event loop; return how many the latter got."""
        coroutines = []
        self._desk.recorded = records()
        for job in jobs:
            self.held[job.id] = job
            try:
                plan = self._desk.plan(job)
            except Exception:
                plan = None  # The thread finds the same, and says so.
            if plan is not None and plan.is_async and self._loop_slots:
                self._in_loop.add(job.id)
                coroutines.append((job, plan))
            else:
                self._threads.put(job)
        if coroutines:
            self._loop = self._loop or Coroutines(
                self._desk, self._board, self._owner, self._loop_slots
            )
            self._loop.put(coroutines)
        return len(coroutines)

    def release(self, job_id: str, clock: float, seconds: float | None) -> None:
        """Note that a job is done with; ``seconds`` is how long it ran."""
        if self.held.pop(job_id, None) is None:
            return
        pace = self.demand.threads
        if job_id in self._in_loop:
            self._in_loop.discard(job_id)
            pace = self.demand.coroutines
        pace.ended(clock, seconds)

    def holds_anew(self, job: ClaimedJob) -> bool:
        """Whether a job was claimed again since this claim of it, at the same attempt.

        A server that crashed has forgotten the claim. What its run has come to counts
        no more: by its row it cannot be told from the later one.
        """
        known = self.held.get(job.id)
        if known is None or known is job:
            return False
        logger.warning(
            "Late finish of job %s (%s), attempt %s, refused: the database has "
            "forgotten its claim, and it was claimed again.",
            job.public_id,
            one_line(job.task_path),
            job.attempt,
        )
        return True

    def take_back(self) -> list[ClaimedJob]:
        """Return the jobs that nobody has begun; they are no longer held."""
        jobs = self._threads.take_back()
        if self._loop is not None:
            jobs += self._loop.take_back()
        return self._forget(jobs)

    def has_waiting(self) -> bool:
        """Whether there are jobs that nobody has begun."""
        loop = self._loop
        return self._threads.has_waiting() or bool(loop and loop.has_waiting())

    def take_back_stalled(self, clock: float) -> list[ClaimedJob]:
        """Return the jobs that have waited too long here, behind slow tasks."""
        jobs: list[ClaimedJob] = []
        if self._threads.has_waiting() and self.demand.threads.is_stalled(clock):
            jobs += self._threads.take_back()
        loop = self._loop
        if loop and loop.has_waiting() and self.demand.coroutines.is_stalled(clock):
            jobs += loop.take_back()
        patience = clock - PATIENCE
        self._hand_out([job for job in jobs if job.claimed_clock > patience])
        return self._forget([job for job in jobs if job.claimed_clock <= patience])

    def _forget(self, jobs: list[ClaimedJob]) -> list[ClaimedJob]:
        for job in jobs:
            self.held.pop(job.id, None)
            self._in_loop.discard(job.id)
        return jobs

    def running(self) -> list[Execution]:
        found = [execution for _, execution in self._threads.running()]
        return found + (self._loop.running() if self._loop else [])

    def running_ids(self) -> set[str]:
        return {execution.job.id for execution in self.running()}

    def interrupt(self, execution: Execution, exception: type[BaseException]) -> None:
        if execution.job.id in self._in_loop and self._loop is not None:
            self._loop.interrupt(execution, exception)
            return
        slots: list[Slot] = [
            slot for slot, current in self._threads.running() if current is execution
        ]
        for slot in slots:
            slot.interrupt(execution, exception)

    def abandon(self) -> None:
        """Prepare to give back what is held although it has not ended.

        Atomic tasks are rolled back: their transactions may keep the worker itself
        from writing. What the interrupt makes of them is no outcome.
        """
        # Should the giving back fail, the supervisor does it; nothing counts as lost.
        self._board.forgive(time.monotonic())
        found = [each for each in self.running() if each.plan.atomic]
        for execution in found:
            self.interrupt(execution, TaskCancelled)
        jobs = {execution.job.id for execution in found} & set(self.held)
        patience = time.monotonic() + _ROLL_BACK
        while jobs & self.running_ids() and time.monotonic() < patience:
            time.sleep(0.01)
        for outcome in self._desk.collect():
            if outcome.job.id not in jobs or outcome.kind == SUCCEEDED:
                self._desk.outcomes.append(outcome)

    def stop(self) -> None:
        self._threads.stop()
