from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from ..loops import Moments
from ..workers import WorkerProcess


@dataclass(frozen=True, slots=True)
class Workforce:
    """Who is to run the tasks. None leaves it to the subject's default.

    ``work`` is the part that it is for: other queues than ours are told how many
    processes and threads suit it by their own manuals.
    """

    processes: int = 1
    threads: int | None = None
    coroutines: int | None = None
    work: str = ""

    def __str__(self) -> str:
        return f"{self.processes}x{self.threads}"


class Subject(Protocol):
    """A queue, in the words that the parts need.

    The tasks are ``noop`` (returns its number), ``stamp`` (notes when it began),
    ``nap`` and ``anap`` (sleep, in a thread and in a coroutine); their bodies are
    those in ``bodies``.
    """

    name: str
    # The names of the server processes that work for it, beside the database's.
    servers: Sequence[str]
    # How many jobs are enough to tell its speed; None leaves it to who measures.
    jobs: int | None

    def versions(self) -> dict[str, str]:
        """Name what is measured and what it is built on."""

    def can(self, part: str) -> bool:
        """Whether the part makes sense for it."""

    def set_up(self) -> None:
        """Make tables or the like, once per run."""

    def tear_down(self) -> None:
        """Leave nothing behind, but for what is in the run's own database."""

    def clear(self) -> None:
        """Forget all jobs and results."""

    def enqueue_each(
        self,
        task: str,
        values: Sequence[float],
        *,
        pause: float = 0.0,
        in_transaction: bool = False,
    ) -> Moments:
        """Enqueue one after another by the ordinary way, workers woken.

        After about ``pause`` seconds each, or all in one transaction. Return the
        moments before and after each call, by the monotonic clock.
        """

    def enqueue_many(self, task: str, values: Sequence[float]) -> float:
        """Enqueue jobs by the fastest way there is; return the seconds it took."""

    def rest(self) -> None:
        """Do what its manual advises once many jobs were enqueued, untimed."""

    def worker(self, workforce: Workforce) -> WorkerProcess:
        """Return a worker command, not yet started."""

    def await_idle(self, worker: WorkerProcess, workforce: Workforce) -> None:
        """Return once the worker has started all of its processes."""

    def is_drained(self, count: int) -> bool:
        """Whether the outcomes of ``count`` jobs are visible, all bodies having run."""

    def span(self) -> tuple[datetime, datetime] | None:
        """When the first job began and the last one ended, if its rows tell."""
