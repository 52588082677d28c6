"""The fields of a crontab as sets of bits, and the readings of a clock they match.

Here a day has 24 hours and nothing is known of zones: readings are naive.
"""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import datetime

# Readings are looked for until then; a legal crontab matches every 40 years.
_LAST_YEAR = 2600


def lowest(bits: int, start: int) -> int:
    """Return the lowest number in ``bits`` from ``start`` on, -1 if there is none."""
    rest = bits >> start
    return start + (rest & -rest).bit_length() - 1 if rest else -1


def highest(bits: int, end: int) -> int:
    """Return the highest number in ``bits`` up to ``end``, -1 if there is none."""
    return (bits & ((2 << end) - 1)).bit_length() - 1


@dataclass(frozen=True, slots=True)
class Fields:
    """A parsed crontab: bit n of a field is set if the field has n.

    ``days`` holds the days for each kind of month: 28 to 31 days long, beginning
    on Monday to Sunday. ``elapsed``: the hour is ``*`` or a step of it.
    """

    seconds: int
    minutes: int
    hours: int
    months: int
    days: tuple[int, ...]
    elapsed: bool

    def on_or_after(self, reading: datetime) -> datetime | None:
        """Return the first matching reading that is not before ``reading``."""
        year, month, day = reading.year, reading.month, reading.day
        if self._has_day(year, month, day):
            clock = self._clock_from(reading.hour, reading.minute, reading.second)
            if clock:
                return _at(reading, (year, month, day), clock)
        found = self._day_from(year, month, day + 1)
        first = (lowest(self.hours, 0), lowest(self.minutes, 0))
        return found and _at(reading, found, (*first, lowest(self.seconds, 0)))

    def on_or_before(self, reading: datetime) -> datetime | None:
        """Return the last matching reading that is not after ``reading``."""
        year, month, day = reading.year, reading.month, reading.day
        if self._has_day(year, month, day):
            clock = self._clock_to(reading.hour, reading.minute, reading.second)
            if clock:
                return _at(reading, (year, month, day), clock)
        found = self._day_to(year, month, day - 1)
        last = (highest(self.hours, 23), highest(self.minutes, 59))
        return found and _at(reading, found, (*last, highest(self.seconds, 59)))

    def count(self, first: datetime, final: datetime) -> int:
        """Return the number of matching readings from ``first`` to ``final``."""
        if final < first:
            return 0
        until = final.year, final.month
        days = sum(
            self.days_of(year, month).bit_count()
            for year in range(first.year, final.year + 1)
            for month in range(first.month if year == first.year else 1, 13)
            if (year, month) < until
        )
        whole = days * self._clocks_of_a_day()
        return whole + self._in_month_to(final) - self._in_month_before(first)

    def days_of(self, year: int, month: int) -> int:
        """Return the matching days of a month, none if the month does not match."""
        if not self.months >> month & 1:
            return 0
        weekday, length = monthrange(year, month)
        return self.days[(length - 28) * 7 + weekday]

    def _has_day(self, year: int, month: int, day: int) -> int:
        return self.days_of(year, month) >> day & 1

    def _day_from(self, year: int, month: int, day: int) -> tuple[int, int, int] | None:
        while year <= _LAST_YEAR:
            found = lowest(self.days_of(year, month), day)
            if found > 0:
                return year, month, found
            day, month = 1, lowest(self.months, month + 1)
            if month < 0:
                year, month = year + 1, lowest(self.months, 1)
        return None

    def _day_to(self, year: int, month: int, day: int) -> tuple[int, int, int] | None:
        while year > 0:
            found = highest(self.days_of(year, month), day)
            if found > 0:
                return year, month, found
            day, month = 31, highest(self.months, month - 1)
            if month < 0:
                year, month = year - 1, highest(self.months, 12)
        return None

    def _clock_from(
        self, hour: int, minute: int, second: int
    ) -> tuple[int, int, int] | None:
        if self.hours >> hour & 1:
            if self.minutes >> minute & 1:
                found = lowest(self.seconds, second)
                if found >= 0:
                    return hour, minute, found
            found = lowest(self.minutes, minute + 1)
            if found >= 0:
                return hour, found, lowest(self.seconds, 0)
        hour = lowest(self.hours, hour + 1)
        if hour < 0:
            return None
        return hour, lowest(self.minutes, 0), lowest(self.seconds, 0)

    def _clock_to(
        self, hour: int, minute: int, second: int
    ) -> tuple[int, int, int] | None:
        if self.hours >> hour & 1:
            if self.minutes >> minute & 1:
                found = highest(self.seconds, second)
                if found >= 0:
                    return hour, minute, found
            found = highest(self.minutes, minute - 1) if minute else -1
            if found >= 0:
                return hour, found, highest(self.seconds, 59)
        hour = highest(self.hours, hour - 1) if hour else -1
        if hour < 0:
            return None
        return hour, highest(self.minutes, 59), highest(self.seconds, 59)

    def _in_month_to(self, reading: datetime) -> int:
        """Return the number of matches in the month up to ``reading``."""
        day = self._has_day(reading.year, reading.month, reading.day)
        return self._in_month_before(reading) + (day & self._has_clock(reading))

    def _in_month_before(self, reading: datetime) -> int:
        days = self.days_of(reading.year, reading.month)
        number = _below(days, reading.day) * self._clocks_of_a_day()
        if days >> reading.day & 1:
            number += self._clocks_before(reading)
        return number

    def _clocks_of_a_day(self) -> int:
        return (
            self.hours.bit_count() * self.minutes.bit_count() * self.seconds.bit_count()
        )

    def _clocks_before(self, reading: datetime) -> int:
        minutes = _below(self.hours, reading.hour) * self.minutes.bit_count()
        if not self.hours >> reading.hour & 1:
            return minutes * self.seconds.bit_count()
        minutes += _below(self.minutes, reading.minute)
        seconds = minutes * self.seconds.bit_count()
        if self.minutes >> reading.minute & 1:
            seconds += _below(self.seconds, reading.second)
        return seconds

    def _has_clock(self, reading: datetime) -> int:
        return (
            self.hours >> reading.hour
            & self.minutes >> reading.minute
            & self.seconds >> reading.second
            & 1
        )


def _below(bits: int, end: int) -> int:
    """Return how many numbers in ``bits`` are less than ``end``."""
    return (bits & ((1 << end) - 1)).bit_count()


def _at(
    reading: datetime, day: tuple[int, int, int], clock: tuple[int, int, int]
) -> datetime:
    return reading.replace(*day, *clock, microsecond=0)
