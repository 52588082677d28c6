"""When crontabs are due, found the slow way: by looking at the clock all the time.

Nothing here is shared with the package. Fields are sets of numbers that come with
their text, and the clock is zoneinfo's, read at every minute.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
ZONES = (
    *("UTC", "America/New_York", "Europe/London", "Europe/Berlin", "Europe/Dublin"),
    *("Australia/Lord_Howe", "Pacific/Apia", "Africa/Casablanca", "Africa/Cairo"),
    *("America/Sao_Paulo", "Asia/Beirut", "America/Havana", "Europe/Istanbul"),
    *("America/Caracas", "Asia/Pyongyang", "Asia/Gaza", "America/Santiago"),
    *("Pacific/Kwajalein", "Asia/Tehran", "Asia/Kathmandu", "Africa/Monrovia"),
    *("Antarctica/Troll", "Antarctica/Vostok", "America/St_Johns", "Asia/Amman"),
    *("Pacific/Kiritimati", "Pacific/Chatham", "America/Nuuk", "America/Asuncion"),
)


@dataclass(frozen=True)
class Sample:
    """A crontab of five fields, and what it means."""

    minute: tuple[str, frozenset[int]]
    hour: tuple[str, frozenset[int]]
    day: tuple[str, frozenset[int]]
    month: tuple[str, frozenset[int]]
    weekday: tuple[str, frozenset[int]]

    @property
    def text(self) -> str:
        fields = (self.minute, self.hour, self.day, self.month, self.weekday)
        return " ".join(text for text, _ in fields)

    @property
    def follows_elapsed_time(self) -> bool:
        return self.hour[0].startswith("*")

    def has_day(self, day: date) -> bool:
        by_date = day.day in self.day[1]
        by_weekday = day.isoweekday() % 7 in self.weekday[1]
        star = self.day[0].startswith("*") or self.weekday[0].startswith("*")
        wanted = by_date and by_weekday if star else by_date or by_weekday
        return wanted and day.month in self.month[1]

    def has(self, reading: datetime) -> bool:
        clock = reading.hour in self.hour[1] and reading.minute in self.minute[1]
        return clock and reading.second == 0 and self.has_day(reading.date())


Fields = st.SearchStrategy[tuple[str, frozenset[int]]]


def field(low: int, high: int) -> Fields:
    """Make a field in one of the ways in which people write it."""
    every = range(low, high + 1)
    number = st.integers(low, high)
    pair = st.tuples(number, number).map(sorted)
    step = st.integers(1, high)
    return st.one_of(
        st.just(("*", frozenset(every))),
        number.map(lambda n: (str(n), frozenset({n}))),
        st.lists(number, min_size=1, max_size=4).map(
            lambda all_: (",".join(map(str, all_)), frozenset(all_))
        ),
        step.map(lambda n: (f"*/{n}", frozenset(every[::n]))),
        pair.map(lambda p: (f"{p[0]}-{p[1]}", frozenset(range(p[0], p[1] + 1)))),
        st.tuples(pair, step).map(
            lambda each: (
                f"{each[0][0]}-{each[0][1]}/{each[1]}",
                frozenset(range(each[0][0], each[0][1] + 1, each[1])),
            )
        ),
    )


HOURS = field(0, 23)


def samples(
    hours: Fields = HOURS, *, sparse: bool = False
) -> st.SearchStrategy[Sample]:
    """Make crontabs; those that are not ``sparse`` are due on most days."""
    every_day = st.just(("*", frozenset(range(1, 32))))
    every_month = st.just(("*", frozenset(range(1, 13))))
    every_weekday = st.just(("*", frozenset(range(7))))
    return st.builds(
        Sample,
        minute=field(0, 59),
        hour=hours,
        day=field(1, 31) if sparse else every_day | field(1, 31),
        month=field(1, 12) if sparse else every_month,
        weekday=field(0, 6) if sparse else every_weekday | field(0, 6),
    )


@cache
def offset(zone: str, instant: datetime) -> timedelta:
    found = instant.astimezone(ZoneInfo(zone)).utcoffset()
    assert found is not None
    return found


@cache
def changes(zone: str, year: int) -> tuple[datetime, ...]:
    """Return the instants of a year at which the clock is set."""
    first = datetime(year, 1, 1, tzinfo=UTC)
    days = [first + n * DAY for n in range(366)]
    found = []
    for day in days:
        if offset(zone, day) != offset(zone, day + DAY):
            halves = (day + n * MINUTE / 2 for n in range(1, 2881))
            found.append(
                next(t for t in halves if offset(zone, t) != offset(zone, day))
            )
    return tuple(found)


@st.composite
def places(
    draw: st.DrawFn, first: int = 1970, last: int = 2040
) -> tuple[str, datetime, datetime]:
    """A zone, when its clock is set, and a moment that is more often close to that."""
    zone = draw(st.sampled_from(ZONES))
    year = draw(st.integers(first, last))
    found = changes(zone, year) or (datetime(year, 7, 1, tzinfo=UTC),)
    change = draw(st.sampled_from(found))
    far, close = st.integers(-36 * 60, 36 * 60), st.integers(-100, 100)
    minutes = draw(close | st.sampled_from([-60, -30, 0, 30, 60]) | far)
    return zone, change, change + minutes * MINUTE


LENGTHS = st.integers(0, 200).map(lambda n: n * MINUTE) | st.sampled_from(
    [DAY, 2 * DAY]
)


def walk(
    zone: str, begin: datetime, end: datetime
) -> Iterator[tuple[datetime, datetime]]:
    """Yield instants and what the clock shows then."""
    place = ZoneInfo(zone)
    # Since 1970 every clock but this one has shown whole minutes at those of UTC.
    step = MINUTE / 2 if zone == "Africa/Monrovia" else MINUTE
    instant = begin
    while instant <= end:
        yield instant, instant.astimezone(place).replace(tzinfo=None, fold=0)
        instant += step


def due(sample: Sample, zone: str, begin: datetime, end: datetime) -> list[datetime]:
    """Return every due moment from ``begin`` to ``end``, both included."""
    if sample.follows_elapsed_time:
        return [t for t, shown in walk(zone, begin, end) if sample.has(shown)]
    # Two days around tell what was shown before, and whether days are skipped.
    clock = list(walk(zone, begin - 2 * DAY, end + 2 * DAY))
    first_shown: dict[datetime, datetime] = {}
    for instant, shown in clock:
        first_shown.setdefault(shown, instant)
    existing = {shown.date() for shown in first_shown}
    found = set()
    for reading in _readings(clock[0][1], clock[-1][1]):
        if not sample.has(reading) or reading.date() not in existing:
            continue
        instant = first_shown.get(reading) or next(
            (instant for instant, shown in clock if shown > reading), None
        )
        if instant is not None and begin <= instant <= end:
            found.add(instant)
    return sorted(found)


def _readings(begin: datetime, end: datetime) -> Iterator[datetime]:
    reading = begin.replace(second=0)
    while reading <= end:
        yield reading
        reading += MINUTE
