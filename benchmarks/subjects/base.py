from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from ..workers import WorkerProcess


@dataclass(frozen=True, slots=True)
class Workforce:
    """Who is to run the tasks. None leaves it to the subject's default."""

    processes: int = 1
    threads: int | None = None
    coroutines: int | None = None

    def __str__(self) -> str:
        return f"{self.processes}x{self.threads}"


class Subject(Protocol):
    """A queue, in the words that the parts need.

    The tasks are ``noop`` (returns its number), ``stamp`` (notes when it began),
    ``nap`` and ``anap`` (sleep, in a thread and in a coroutine).
    """

    name: str

    def versions(self) -> dict[str, str]:
        """Name what is measured and what it is built on."""

    def set_up(self) -> None:
        """Make tables or the like, once per run."""

    def clear(self) -> None:
        """Forget all jobs and results."""

    def enqueue(self, task: str, value: float) -> None:
        """Enqueue one job by the ordinary way, workers woken."""

    def enqueue_many(self, task: str, values: list[float]) -> None:
        """Enqueue jobs by the fastest way there is."""

    def in_transaction(self) -> AbstractContextManager[None]:
        """A transaction of the project's, which the jobs enqueued inside join."""

    def worker(self, workforce: Workforce) -> WorkerProcess:
        """Return a worker command, not yet started."""

    def await_idle(self, worker: WorkerProcess, workforce: Workforce) -> None:
        """Return once the worker has started all of its processes."""

    def is_drained(self, count: int) -> bool:
        """Whether the outcomes of ``count`` jobs are visible. Asked often: cheap."""

    def now(self) -> datetime:
        """The clock by which ``span`` is told."""

    def span(self) -> tuple[datetime, datetime]:
        """When the first job began and the last one ended, by the workers."""
