"""From a crontab of Celery to one of ours that is due at the same times, if any is.

Celery runs on days that match the day of month *and* the day of week. Elsewhere, a
day matches if one of the two does, unless one begins with a star. What this module
returns was read again and compared, for every kind of month.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product

from ...periodic.crontab import parse_crontab
from ...periodic.days import DayRule
from .entries import CeleryCrontab

_DAY_NAMES = (
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
)
_MONTHS = (
    *("jan", "feb", "mar", "apr", "may", "jun"),
    *("jul", "aug", "sep", "oct", "nov", "dec"),
)
_NAMES = {
    **{name[:3].lower(): number for number, name in enumerate(_DAY_NAMES)},
    **{name: number for number, name in enumerate(_MONTHS, start=1)},
}
_LIMITS = {
    "minute": (0, 59),
    "hour": (0, 23),
    "day_of_month": (1, 31),
    "month_of_year": (1, 12),
    "day_of_week": (0, 6),
}
_ALL_DAYS = frozenset(range(1, 32))
_ALL_WEEKDAYS = frozenset(range(7))
_WEEKS = {n: frozenset(range(7 * n - 6, min(7 * n, 31) + 1)) for n in range(1, 6)}
_LENGTHS = {2: (28, 29), 4: (30,), 6: (30,), 9: (30,), 11: (30,)}


class Untranslatable(ValueError):
    """No crontab of ours is due at the times that Celery means."""


@dataclass(frozen=True, slots=True)
class Translation:
    """``expression`` is due when Celery's is; ``sunday_was_seven`` if Celery refuses
    its own, for a 7 among the days of the week.
    """

    expression: str
    sunday_was_seven: bool = False


@dataclass(frozen=True, slots=True)
class _Meaning:
    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]


def translate(crontab: CeleryCrontab) -> Translation:
    """Return the same in our words.

    Raise Untranslatable if it is valid and cannot be said, ValueError if it is not
    valid; both say what is wrong and what may be done.
    """
    # The form of django-celery-beat takes 7 for Sunday, which Celery then refuses.
    seven = _has_seven(crontab.day_of_week)
    week = _expand("day_of_week", crontab.day_of_week, 0, 7 if seven else 6)
    meaning = _Meaning(
        numbers("minute", crontab.minute),
        numbers("hour", crontab.hour),
        numbers("day_of_month", crontab.day_of_month),
        numbers("month_of_year", crontab.month_of_year),
        frozenset(day % 7 for day in week),
    )
    if not any(min(meaning.days) <= max(_lengths(each)) for each in meaning.months):
        raise ValueError(f"{crontab} is never due: no such month has such a day.")
    for expression in _candidates(crontab, meaning):
        if _means(expression, meaning):
            return Translation(expression, seven)
    raise Untranslatable(_advice(meaning))


def numbers(name: str, text: str) -> frozenset[int]:
    """Return what Celery's crontab_parser makes of a field, or raise ValueError."""
    low, high = _LIMITS[name]
    return frozenset(_expand(name, text, low, high))


def _expand(name: str, text: str, low: int, high: int) -> Iterator[int]:
    for part in text.split(","):
        span, slash, step = part.strip().partition("/")
        first, dash, last = span.partition("-")
        if span == "*":
            values = list(range(low, high + 1))
        else:
            begin = _number(name, first, low, high)
            end = _number(name, last, low, high) if dash else begin
            values = list(range(begin, end + 1))
            if end < begin:
                values = [*range(begin, high + 1), *range(low, end + 1)]
        if not slash:
            yield from values
        elif step.isdecimal() and int(step) and (dash or span == "*"):
            yield from values[:: int(step)]
        else:
            raise ValueError(f"{name} {text!r}: {part.strip()!r} has no such step.")


def _number(name: str, text: str, low: int, high: int) -> int:
    word = text.strip()
    number = int(word) if word.isdecimal() else _NAMES.get(word[:3].lower(), -1)
    if not low <= number <= high:
        raise ValueError(f"{name} is no number from {low} to {high}: {text!r}.")
    return number


def _has_seven(text: str) -> bool:
    return any(
        "7" in part.partition("/")[0].strip().split("-") for part in text.split(",")
    )


def _candidates(crontab: CeleryCrontab, meaning: _Meaning) -> Iterator[str]:
    """Yield crontabs that may be due at the same times, the plainest first."""
    weekdays = sorted(meaning.weekdays)
    # The weeks of a month and a weekday: 1-7 and Tuesday is the first Tuesday.
    weeks = [n for n, week in _WEEKS.items() if week <= meaning.days]
    nth = ",".join(f"{each}#{n}" for each in weekdays for n in weeks)
    last = ",".join(f"L{each}" for each in weekdays)
    # Lists of all the minutes and hours may be too long for a crontab as written.
    for short in (False, True):
        minute = _field(crontab.minute, meaning.minutes, "{} * * * *", short)
        hour = _field(crontab.hour, meaning.hours, "* {} * * *", short)
        month = _day_field(crontab.month_of_year, meaning.months, 12, "* * * {} *")
        day = _day_field(crontab.day_of_month, meaning.days, 31, "* * {} * *")
        weekday = _day_field(crontab.day_of_week, meaning.weekdays, 7, "* * * * {}")
        yield f"{minute} {hour} {day} {month} {weekday}"
        yield f"{minute} {hour} * {month} {nth}"
        yield f"{minute} {hour} * {month} {last}"


def _day_field(text: str, values: frozenset[int], size: int, line: str) -> str:
    # It matters whether a field for days is restricted.
    return "*" if len(values) == size else _field(text, values, line)


def _field(text: str, values: frozenset[int], line: str, short: bool = False) -> str:
    """Return a field as it was written, if that means the same here."""
    text = "".join(text.split())
    plain = _ranges(values)
    if short and not text.startswith("*"):
        return plain
    try:
        read = [parse_crontab(line.format(each)) for each in (text, plain)]
    except ValueError:
        return plain
    # Whether it follows the hours that pass is decided by the text that is kept.
    same = replace(read[0], elapsed=False) == replace(read[1], elapsed=False)
    return text if same else plain


def _ranges(values: frozenset[int]) -> str:
    found: list[list[int]] = []
    for value in sorted(values):
        if found and found[-1][1] == value - 1:
            found[-1][1] = value
        else:
            found.append([value, value])
    return ",".join(f"{a}" if a == b else f"{a}-{b}" for a, b in found)


def _means(expression: str, meaning: _Meaning) -> bool:
    try:
        found = parse_crontab(expression)
    except ValueError:
        return False
    rule = DayRule(meaning.days, False, None, meaning.weekdays, frozenset(), False)
    wanted = rule.by_kind_of_month()
    lengths = {length for month in meaning.months for length in _lengths(month)}
    kinds = [(n - 28) * 7 + first for n, first in product(lengths, range(7))]
    return (
        found.seconds == 1
        and found.minutes == _bits(meaning.minutes)
        and found.hours == _bits(meaning.hours)
        and found.months == _bits(meaning.months)
        and all(found.days[kind] == wanted[kind] for kind in kinds)
    )


def _bits(values: frozenset[int]) -> int:
    return sum(1 << value for value in values)


def _lengths(month: int) -> tuple[int, ...]:
    return _LENGTHS.get(month, (31,))


def _advice(meaning: _Meaning) -> str:
    days = _ranges(meaning.days)
    weekdays = " or ".join(_DAY_NAMES[each] for each in sorted(meaning.weekdays))
    text = (
        f"Celery runs it on days that are both {days} of the month and {weekdays}; "
        f"here no crontab says that."
    )
    if meaning.days == frozenset(range(25, 32)):
        last = ",".join(f"L{each}" for each in sorted(meaning.weekdays))
        return (
            f"{text} If the last {weekdays} of each month is meant, that is {last!r}."
        )
    return (
        f"{text} Schedule it on these days of the month, and let the task return at "
        f"once on another weekday."
    )
