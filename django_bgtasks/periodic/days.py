"""Which days of a month a crontab means, for each of the 28 kinds of month."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product


@dataclass(frozen=True, slots=True)
class DayRule:
    """The two fields for days.

    ``weekdays`` counts from Sunday = 0; ``nth`` holds pairs such as (1, 3), the
    third Monday, with -1 for the last; ``nearest``: the working day nearest to
    that day. ``either``: a day matches if one of the two fields does.
    """

    days: frozenset[int]
    last_day: bool
    nearest: int | None
    weekdays: frozenset[int]
    nth: frozenset[tuple[int, int]]
    either: bool

    def by_kind_of_month(self) -> tuple[int, ...]:
        """Return a set of bits for each length (28 ...) and first day (Monday ...)."""
        return tuple(
            self._bits(length, first)
            for length, first in product(range(28, 32), range(7))
        )

    def _bits(self, length: int, first: int) -> int:
        by_date = self._by_date(length, first)
        by_weekday = self._by_weekday(length, first)
        return by_date | by_weekday if self.either else by_date & by_weekday

    def _by_date(self, length: int, first: int) -> int:
        if self.nearest is not None:
            return 1 << _nearest_working_day(min(self.nearest, length), length, first)
        bits = sum(1 << day for day in self.days if day <= length)
        return bits | 1 << length if self.last_day else bits

    def _by_weekday(self, length: int, first: int) -> int:
        bits = 0
        for day in range(1, length + 1):
            weekday = (first + day) % 7
            number = (day + 6) // 7
            wanted = weekday in self.weekdays or (weekday, number) in self.nth
            is_last = day + 7 > length
            if wanted or (is_last and (weekday, -1) in self.nth):
                bits |= 1 << day
        return bits


def _nearest_working_day(day: int, length: int, first: int) -> int:
    """Return the day from Monday to Friday next to ``day`` in the same month."""
    weekday = (first + day - 1) % 7
    if weekday == 5:
        return day - 1 if day > 1 else day + 2
    if weekday == 6:
        return day + 1 if day < length else day - 2
    return day
