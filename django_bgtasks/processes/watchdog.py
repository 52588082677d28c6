"""Time limits and cancellations of what runs in a worker."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Iterable

from ..exceptions import TaskCancelled, TaskTimeout
from ..lifecycle.outcome import Execution

logger = logging.getLogger("django_bgtasks.worker")

Interrupt = Callable[[Execution, type[BaseException]], object]
# Seconds between looks while something with a time limit runs.
LOOK_EVERY = 0.1


class Watchdog:
    """Interrupts executions that are over their time or were cancelled.

    One that does not yield within ``grace`` seconds is stuck: its process has to
    be replaced.
    """

    def __init__(self, grace: float, interrupt: Interrupt) -> None:
        self._grace = grace
        self._interrupt = interrupt
        # By id(), which is free for another object once this one is gone; so it
        # is held here.
        self._sent: dict[int, tuple[Execution, float, type[BaseException]]] = {}
        # When it was heard that a job is cancelled. The same job may be run again
        # later, by an operator's wish; an execution that began since is not meant.
        self._cancelled: dict[str, float] = {}

    def cancel(self, job_ids: Collection[str]) -> None:
        """Have these jobs interrupted at the next look."""
        self._cancelled |= dict.fromkeys(job_ids, time.monotonic())

    def look(
        self, running: Iterable[Execution], clock: float
    ) -> list[tuple[Execution, type[BaseException]]]:
        """Interrupt whom it concerns; return those stuck, each with the cause."""
        stuck = []
        seen = set()
        jobs = set()
        for execution in running:
            seen.add(id(execution))
            jobs.add(execution.job.id)
            sent = self._sent.get(id(execution))
            if sent is None:
                self._judge(execution, clock)
            elif clock - sent[1] > self._grace:
                stuck.append((execution, sent[2]))
        self._sent = {key: value for key, value in self._sent.items() if key in seen}
        self._cancelled = {
            job: heard for job, heard in self._cancelled.items() if job in jobs
        }
        return stuck

    def _judge(self, execution: Execution, clock: float) -> None:
        deadline = execution.control.deadline
        if self._cancelled.get(execution.job.id, 0.0) >= execution.started:
            cause: type[BaseException] = TaskCancelled
        elif deadline is not None and clock >= deadline:
            cause = TaskTimeout
        else:
            return
        execution.control.cancelled = True
        self._sent[id(execution)] = execution, clock, cause
        logger.info(
            "Interrupting job %s (%s): %s.",
            execution.job.public_id,
            execution.job.task_path,
            cause.__name__,
        )
        self._interrupt(execution, cause)
