"""Timing for a database that is told no time zone.

Of an hour that comes twice, where clocks are set back, it knows one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from .timing import Timing

_TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Naive:
    """The moments of another timing, without those that ``stored`` turns into others.

    ``stored`` returns a moment as it is once it was written and read.
    """

    timing: Timing
    stored: Callable[[datetime], datetime]

    def next(self, after: datetime) -> datetime | None:
        moment = self.timing.next(after)
        while moment is not None and self.stored(moment) != moment:
            moment = self.timing.next(moment)
        return moment

    def last(self, until: datetime) -> datetime | None:
        moment = self.timing.last(until)
        while moment is not None and self.stored(moment) != moment:
            moment = self.timing.last(moment - _TICK)
        return moment

    def count(self, since: datetime, until: datetime) -> int | None:
        # Of long rows of moments it tells a few too many.
        count = self.timing.count(since, until)
        if count is None or count > _COUNTED:
            return count
        number, moment = 0, self.last(until)
        while moment is not None and moment >= since:
            number, moment = number + 1, self.last(moment - _TICK)
        return number

    def words(self) -> str:
        return self.timing.words()


_COUNTED = 1_000
