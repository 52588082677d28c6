"""The queue as a whole, and whether it is in good health."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ..vendors import vendor_of
from .counts import MOST
from .queues import QueueState, read_queues
from .rates import Throughput, read_rates, retentions_in
from .workers import ProcessState, read_processes


@dataclass(frozen=True, slots=True)
class Status:
    """What stands where at one moment."""

    database: str
    now: datetime
    queues: list[QueueState]
    rates: Mapping[str, Throughput]
    processes: list[ProcessState]

    def rate(self, queue_name: str) -> Throughput:
        return self.rates.get(queue_name, Throughput())

    @property
    def workers(self) -> int:
        """How many worker processes are alive."""
        return sum(each.is_worker and each.alive for each in self.processes)


@dataclass(frozen=True, slots=True)
class Limits:
    """What is still good health. None sets no limit."""

    max_depth: int | None = None
    max_age: timedelta | None = None
    max_failed: int | None = None
    min_workers: int | None = None


def read_status(backend: Any, limits: Limits | None = None) -> Status:
    """Read the state of the database that a backend keeps its jobs in."""
    vendor = vendor_of(backend.connection)
    most = max(MOST, (limits.max_depth if limits else None) or 0)
    rates = read_rates(vendor, retentions_in(backend.database))
    return Status(
        database=backend.database,
        now=vendor.now(),
        queues=read_queues(vendor, {*backend.queues, *rates}, most),
        rates=rates,
        processes=read_processes(vendor, backend.settings.rescue_after),
    )


def crossed(status: Status, limits: Limits) -> list[str]:
    """Say which limits are crossed, one sentence each. A paused queue crosses
    none: its jobs wait because they are to."""
    found: list[str] = []
    for queue in status.queues:
        if queue.paused_at is None:
            found += _crossed_by(queue, limits)
        failed = status.rate(queue.name).failed
        if limits.max_failed is not None and failed > limits.max_failed:
            found.append(
                f"Queue {queue.name!r}: {failed} failed in the last five minutes, more "
                f"than {limits.max_failed}."
            )
    if limits.min_workers is not None and status.workers < limits.min_workers:
        found.append(
            f"Worker processes alive: {status.workers}, fewer than "
            f"{limits.min_workers}."
        )
    return found


def _crossed_by(queue: QueueState, limits: Limits) -> Iterator[str]:
    depth, wait = queue.ready, queue.waiting_for
    if limits.max_depth is not None and depth.number + (not depth.exact) > (
        limits.max_depth
    ):
        yield f"Queue {queue.name!r}: {depth} ready, more than {limits.max_depth}."
    if limits.max_age is not None and wait is not None and wait > limits.max_age:
        yield (
            f"Queue {queue.name!r}: a job has waited for {wait.total_seconds():.0f} s, "
            f"longer than {limits.max_age.total_seconds():g} s."
        )
