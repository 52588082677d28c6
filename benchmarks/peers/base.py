"""What an agent does where a queue asks for nothing else."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from importlib import metadata

from ..loops import Moments, one_by_one


class Synchronous:
    """A queue whose calls block until they are done."""

    # The distributions whose versions are told.
    packages: Sequence[str] = ()

    def versions(self) -> dict[str, str]:
        return {name: metadata.version(name) for name in self.packages}

    def set_up(self) -> None:
        """Make tables or the like."""

    def tear_down(self) -> None:
        self.clear()

    def clear(self) -> None:
        raise NotImplementedError

    def calling(self, task: str) -> Callable[[float], object]:
        """Return what enqueues the task with one value."""
        raise NotImplementedError

    def transaction(self) -> AbstractContextManager[object]:
        return nullcontext()

    def put(self, task: str, values: Sequence[float]) -> None:
        """Enqueue many, by the fastest way that there is."""
        call = self.calling(task)
        for value in values:
            call(value)

    def enqueue_each(
        self,
        task: str,
        values: Sequence[float],
        *,
        pause: float = 0.0,
        in_transaction: bool = False,
    ) -> Moments:
        with self.transaction() if in_transaction else nullcontext():
            return one_by_one(self.calling(task), values, pause)

    def enqueue_many(self, task: str, values: Sequence[float]) -> float:
        before = time.monotonic()
        self.put(task, values)
        return time.monotonic() - before

    def rest(self) -> None:
        """Do what the manual advises once many jobs were enqueued."""

    def is_drained(self, count: int) -> bool:
        raise NotImplementedError


def database() -> str:
    """The URL of the PostgreSQL database that the queue has for itself."""
    return os.environ["BGTASKS_BENCH_PEER_DATABASE_URL"]


def redis_url() -> str:
    """The URL of the Redis database that the benchmarks may empty."""
    return os.environ.get("BGTASKS_BENCH_REDIS_URL", "redis://127.0.0.1:6379/13")


def rabbitmq_url() -> str:
    return os.environ.get(
        "BGTASKS_BENCH_RABBITMQ_URL", "amqp://guest:guest@127.0.0.1:5672/%2F"
    )
