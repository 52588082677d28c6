"""Walks, in portions, what the floors of lanes leave out. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from ..lifecycle.outcome import ClaimedJob
from ..vendors import Lane

# Seconds from one round to the next; and how many times as long as a portion took
# passes before the next one, but no more than so many seconds: one that took long may
# have waited for a server that was away.
_ROUND_EVERY = 1.0
_REST = 20
_LONGEST_REST = 5.0
_MOST_LANES = 100
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_SHORTEST, _FIRST, _DAY = (timedelta(seconds=n) for n in (0.5, 4, 86_400))
_LONGEST = timedelta(seconds=3_000_000_000)
# A width goes down and up by these factors.
_DOWN, _UP = 2, 2
# A portion costs the database no less than so many seconds.
_LEAST = 0.001
# So many full portions in a row are a backlog.
_FULL = 2

# A look may take so many seconds, and so many more for each row claimed or written.
_BRIEF, _BRIEF_ROW = 0.006, 0.0001


class Took(NamedTuple):
    """How a look went: its seconds, the rows it moved, the database's time at first.

    The time is None where it is not known.
    """

    seconds: float
    rows: int
    began_at: datetime | None = None

    @property
    def bare(self) -> float:
        """The seconds without those of its rows."""
        return max(self.seconds - _BRIEF_ROW * self.rows, 0.0)

    def is_long(self, usual: float) -> bool:
        """Whether it took long, where a look takes ``usual`` whatever it walks."""
        return self.bare > usual + _BRIEF


class Mark(NamedTuple):
    """Up to when the rows of a rank of a queue are known to be gone."""

    queue: str
    rank: int
    floor: datetime


class Patrol:
    """Walks the time before the floors: backwards, and portion by portion.

    There lie rows whose transaction committed long after it had made them, and those
    that were given back; and perhaps very many entries of rows that are gone. So a
    portion is a stretch of time that is made shorter when it took too long. What the
    shortest takes is ``usual``: it is due to the way to the database, or its load.
    """

    def __init__(self, usual: float = 0.0) -> None:
        self.usual = usual
        self._groups: list[Sequence[Mark]] = []
        # The width of the next portion, and of the first of the next round.
        self._width = self._start = _FIRST
        self._upper = self._lower = _LONG_AGO
        self._next = 0.0
        self._walking = self._was_long = False
        # How many portions in a row gave all they were asked for.
        self._full = 0

    @property
    def is_needless(self) -> bool:
        """Whether all could be walked at once without any harm."""
        return self._start >= _DAY

    @property
    def is_under_way(self) -> bool:
        return bool(self._groups)

    def due_in(self, clock: float) -> float:
        return max(self._next - clock, 0.0)

    def portion(
        self, clock: float, marks_now: Callable[[], Sequence[Mark]]
    ) -> list[Lane]:
        """Return the lanes to walk now, if any; a new round is of the marks now."""
        if clock < self._next:
            return []
        if not self._groups:
            self._width, self._was_long = self._start, False
            marks = marks_now()
            self._groups = [
                marks[first : first + _MOST_LANES]
                for first in range(0, len(marks), _MOST_LANES)
            ]
            self._begin()
        if not self._groups:
            return []
        self._walking = True
        self._lower = max(self._upper - self._width, _LONG_AGO)
        return [
            Lane(queue, rank, self._lower, ceiling=min(self._upper, floor))
            for queue, rank, floor in self._groups[0]
            if floor > self._lower
        ]

    def note(
        self, clock: float, jobs: Sequence[ClaimedJob], took: Took, share: int
    ) -> set[str]:
        """Note how a look went that may have had a portion in it.

        Return the queues that turned out to have a backlog before their floors.
        """
        if not self._walking:
            return set()
        self._walking = False
        self._pace(clock, took)
        late = [job.queue_name for job in jobs if job.ready_at <= self._upper]
        self._full = self._full + 1 if len(late) >= share else 0
        if not self._full:
            self._go_on(clock)
        if self._full < _FULL:
            return set()
        self._full, self._groups = 0, []
        return set(late)

    def _pace(self, clock: float, took: Took) -> None:
        rest = _REST * max(took.seconds - self.usual, _LEAST)
        self._next = clock + took.seconds + min(rest, _LONGEST_REST)
        if took.is_long(self.usual):
            if self._width <= _SHORTEST:
                self.usual = took.bare
            self._was_long = True
            self._width = max(self._width / _DOWN, _SHORTEST)
            self._start = min(self._start, self._width)
        else:
            self._width = min(self._width * _UP, _LONGEST)
        self.usual = min(self.usual, took.bare)

    def _go_on(self, clock: float) -> None:
        self._upper = self._lower
        if self._upper > _LONG_AGO:
            return
        self._groups.pop(0)
        self._begin()
        if not self._groups:
            self._next = max(self._next, clock + _ROUND_EVERY)
            if not self._was_long:
                self._start *= _UP

    def _begin(self) -> None:
        if self._groups:
            self._upper = max(mark.floor for mark in self._groups[0])
