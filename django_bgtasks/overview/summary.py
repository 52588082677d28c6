"""All that the admin's overview shows, in a small and bounded number of statements."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from ..vendors import vendor_of
from .activity import DueLine, RunningLine, read_due, read_running
from .arrivals import read_arrivals
from .figures import Period, Point, Recent, read_points, read_recent
from .queues import QueueState, read_queues
from .workers import ProcessState, read_processes

# Ready jobs are counted so far.
MOST_READY = 10_000
MOST_RUNNING = 10


@dataclass(frozen=True, slots=True)
class QueueLine:
    """A queue with its rates, in jobs per second over the last five minutes."""

    state: QueueState
    arriving: float
    recent: Recent


@dataclass(frozen=True, slots=True)
class Summary:
    """What stands where at one moment; empty where it was not asked for."""

    now: datetime
    queues: list[QueueLine] = field(default_factory=list)
    points: list[Point] = field(default_factory=list)
    processes: list[ProcessState] = field(default_factory=list)
    running: list[RunningLine] = field(default_factory=list)
    due: list[DueLine] = field(default_factory=list)


def read_summary(
    backends: Collection[Any],
    parts: Collection[str],
    period: Period,
    queue: str | None = None,
) -> Summary:
    """Read ``parts`` (of "queues", "processes" and "due") of one database's backends.

    The points are those of ``queue``, or of all queues.
    """
    first = next(iter(backends))
    vendor = vendor_of(first.connection)
    summary = Summary(vendor.now())
    now = summary.now
    if "queues" in parts:
        summary.queues.extend(read_lines(backends, now))
        summary.points.extend(read_points(vendor, period, queue, now))
    if "processes" in parts:
        rescue_after = longest_silence(backends)
        summary.processes.extend(read_processes(vendor, rescue_after, now))
        summary.running.extend(read_running(vendor, now, MOST_RUNNING))
    if "due" in parts:
        summary.due.extend(read_due(vendor, now))
    return summary


def read_lines(backends: Collection[Any], now: datetime) -> list[QueueLine]:
    """Read the queues of one database's backends, with their rates, by name."""
    vendor = vendor_of(next(iter(backends)).connection)
    arriving, recent = read_arrivals(vendor, now), read_recent(vendor, now)
    configured = {name for each in backends for name in each.queues}
    names = {*configured, *arriving, *recent}
    return [
        QueueLine(
            state, arriving.get(state.name, 0.0), recent.get(state.name, Recent())
        )
        for state in read_queues(vendor, names, MOST_READY, now)
    ]


def longest_silence(backends: Collection[Any]) -> timedelta:
    """Return after how long a process counts as dead by every one of the backends."""
    silences: list[timedelta] = [each.settings.rescue_after for each in backends]
    return max(silences)
