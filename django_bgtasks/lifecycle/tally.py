"""Tally: add up how attempts ended, to be written as figures now and then."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from math import inf
from typing import Any

from ..models import Rollup, table_of
from ..vendors import Insert, Vendor
from .outcome import (
    CANCELLED,
    EXPIRED,
    FAILED,
    LOST,
    RETRY,
    SUCCEEDED,
    Outcome,
)

# Seconds that figures gather before they are written. What a process has gathered
# when it is killed is lost: some seconds of the charts, and nothing else.
WRITE_EVERY = 5.0

_COLUMNS = (
    "queue_name",
    "start_at",
    "span",
    "succeeded",
    "failed",
    "retried",
    "cancelled",
    "wait_sum",
    "wait_max",
    "run_sum",
)
# Places in a cell: the four numbers, then wait_sum, wait_max and run_sum.
_PLACES = {SUCCEEDED: 0, FAILED: 1, EXPIRED: 1, LOST: 1, RETRY: 2, CANCELLED: 3}
_WAIT, _LONGEST, _RUN = 4, 5, 6


class Tally:
    """The figures of one worker process that are not written yet."""

    def __init__(self) -> None:
        self._cells: dict[tuple[str, datetime], list[Any]] = {}
        self._write_at = inf

    def add(self, outcomes: Iterable[Outcome], clock: float) -> None:
        """Count outcomes that are written. Those that were given back do not count."""
        queue_name, minute, cell = None, None, []
        for outcome in outcomes:
            place = _PLACES.get(outcome.kind)
            began, ended = outcome.began, outcome.ended
            if place is None or began is None or ended is None:
                continue
            job = outcome.job
            # A batch is of one minute, give or take what nobody sees in a chart.
            minute = minute or datetime.fromtimestamp(ended // 60 * 60, UTC)
            if job.queue_name != queue_name:
                queue_name = job.queue_name
                cell = self._cell(queue_name, minute, clock)
            wait = began - job.ready_at.timestamp()
            cell[place] += 1
            cell[_WAIT] += wait
            cell[_LONGEST] = max(cell[_LONGEST], wait)
            cell[_RUN] += ended - began

    def due(self, clock: float) -> bool:
        """Whether something has gathered for long enough."""
        return clock >= self._write_at

    def insert(self, vendor: Vendor) -> Insert | None:
        """Order the writing of all that has gathered; None if nothing has."""
        if not self._cells:
            return None
        rows = [
            (
                queue_name,
                vendor.to_database(minute),
                Rollup.Span.PART.value,
                *cell[:_WAIT],
                *(max(each, 0.0) for each in cell[_WAIT:]),
            )
            for (queue_name, minute), cell in self._cells.items()
        ]
        return Insert(table_of(Rollup, vendor), _COLUMNS, rows)

    def clear(self) -> None:
        """Begin anew: what had gathered is written."""
        self._cells.clear()
        self._write_at = inf

    def _cell(self, queue_name: str, minute: datetime, clock: float) -> list[Any]:
        key = queue_name, minute
        cell = self._cells.get(key)
        if cell is None:
            cell = self._cells[key] = [0, 0, 0, 0, 0.0, 0.0, 0.0]
            self._write_at = min(self._write_at, clock + WRITE_EVERY)
        return cell
