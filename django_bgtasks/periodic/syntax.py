"""From the text of a crontab to its fields, with errors that say what to write."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from croniter import croniter

from .days import DayRule
from .fields import Fields

NAMES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_MAXIMUM_LENGTH = 250
_WEEKDAY_NAMES = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_MONTH_NAMES = (
    *("jan", "feb", "mar", "apr", "may", "jun"),
    *("jul", "aug", "sep", "oct", "nov", "dec"),
)
_NUMBERS = {
    **{name: number for number, name in enumerate(_WEEKDAY_NAMES)},
    **{name: number for number, name in enumerate(_MONTH_NAMES, start=1)},
}
_RANDOM = re.compile(r"[hr](\(.*)?(/.*)?")
_RANGE = re.compile(r"(\w+)-(\w+)(/\d+)?(#\d+)?", re.ASCII)
_STEP_FROM = re.compile(r"(\w+)/0*[1-9]\d*", re.ASCII)
_NEAREST = re.compile(r"(\d+)w|w(\d+)", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    # How croniter is asked about this field alone.
    line: str
    column: int
    lowest: int
    highest: int
    example: str

    @property
    def hint(self) -> str:
        return (
            f"Write *, a number from {self.lowest} to {self.highest}, a range, a step "
            f"or a list of these, such as {self.example}."
        )


_SECOND = _Field("second", "{} * * * *", 0, 0, 59, "30, 0-10, */15 or 0,30")
_MINUTE = _Field("minute", "{} * * * *", 0, 0, 59, "30, 0-10, */15 or 0,30")
_HOUR = _Field("hour", "* {} * * *", 1, 0, 23, "9, 8-18, */2 or 8,20")
_DAY = _Field("day of month", "* * {} * *", 2, 1, 31, "15, 1-7, 1,15 or L (the last)")
_MONTH = _Field("month", "* * * {} *", 3, 1, 12, "6, jan-mar, */3 or 6,12")
_WEEKDAY = _Field(
    "day of week",
    "* * * * {}",
    4,
    0,
    7,
    "mon-fri, 0 or 7 (Sunday), mon#2 (the second Monday) or L5 (the last Friday)",
)
_FIELDS = (_SECOND, _MINUTE, _HOUR, _DAY, _MONTH, _WEEKDAY)


def parse_crontab(expression: str) -> Fields:
    """Return the fields of ``expression``.

    It has five fields (minute, hour, day of month, month, day of week), six with the
    second in front, or is a name such as ``@daily``. Raise ``ValueError``, naming
    the field, for anything else and for what is never due.
    """
    return _parse(spelled_out(expression))


def spelled_out(expression: str) -> str:
    """Return ``expression`` in five or six fields with single spaces, unchecked."""
    if not isinstance(expression, str):
        raise ValueError(
            f"A crontab is text such as '0 9 * * mon-fri', not {expression!r}."
        )
    if len(expression) > _MAXIMUM_LENGTH:
        raise ValueError(f"A crontab has at most {_MAXIMUM_LENGTH} characters.")
    parts = expression.lower().split()
    if parts and parts[0].startswith("@"):
        return _named(expression, parts)
    if len(parts) not in (5, 6):
        raise ValueError(
            f"The crontab {expression!r} has {len(parts)} fields. Write five: minute "
            "hour day-of-month month day-of-week, such as '0 9 * * mon-fri', or six "
            "with the second in front."
        )
    return " ".join(parts)


def _named(expression: str, parts: list[str]) -> str:
    if len(parts) == 1 and parts[0] in NAMES:
        return NAMES[parts[0]]
    why = " A schedule knows of no reboot." if parts[0] == "@reboot" else ""
    raise ValueError(
        f"The crontab name {expression.strip()!r} is not known.{why} "
        f"Write one of {', '.join(NAMES)}, or five fields."
    )


@lru_cache(maxsize=4096)
def _parse(spelled: str) -> Fields:
    texts = spelled.split(" ")
    if len(texts) == 5:
        texts = ["0", *texts]
    second, minute, hour, day, month, weekday = (
        _read(field, text) for field, text in zip(_FIELDS, texts, strict=True)
    )
    rule = DayRule(
        days=day.numbers,
        last_day=day.last_day,
        nearest=day.nearest,
        weekdays=weekday.numbers,
        nth=weekday.nth,
        either=days_are_either(texts[3], texts[5]),
    )
    fields = Fields(
        seconds=_bits(second.numbers),
        minutes=_bits(minute.numbers),
        hours=_bits(hour.numbers),
        months=_bits(month.numbers),
        days=rule.by_kind_of_month(),
        elapsed=_has_star(texts[2]),
    )
    _require_days(spelled, fields)
    return fields


def days_are_either(day: str, weekday: str) -> bool:
    """Whether one of the two fields for days is enough.

    As cron(8) has it: where one begins with a star, a day must match both.
    """
    return not (_has_star(day) or _has_star(weekday))


def _has_star(text: str) -> bool:
    return text.startswith(("*", "?"))


def _bits(numbers: Iterable[int]) -> int:
    return sum(1 << number for number in numbers)


class _Values(NamedTuple):
    """What a field says; only the fields for days say more than numbers."""

    numbers: frozenset[int] = frozenset()
    last_day: bool = False
    nearest: int | None = None
    nth: frozenset[tuple[int, int]] = frozenset()


def _read(field: _Field, text: str) -> _Values:
    if field is _DAY and (nearest := _NEAREST.fullmatch(text)):
        day = int(nearest[1] or nearest[2])
        if not 1 <= day <= 31:
            raise _error(field, text)
        return _Values(nearest=day)
    items = [_plain(field, text, item) for item in text.split(",")]
    if field is _WEEKDAY:
        special = [item for item in items if "#" in item or item.startswith("l")]
        if special and len(special) < len(items):
            raise _error(field, text, "Give every day of the list a # or an L, or none")
    try:
        expanded, nth = croniter.expand(field.line.format(",".join(items)))
    except Exception:
        # croniter raises errors of many kinds for what it was not made for.
        raise _error(field, text) from None
    return _values(field, expanded[field.column], nth)


def _values(field: _Field, found: list[Any], nth: dict[Any, set[Any]]) -> _Values:
    """Return what croniter found in one field."""
    if nth:
        pairs = ((day, number) for day, numbers in nth.items() for number in numbers)
        return _Values(nth=frozenset((d, -1 if n == "l" else n) for d, n in pairs))
    if "*" in found:
        return _Values(frozenset(range(field.lowest, _last(field) + 1)))
    numbers = frozenset(each for each in found if isinstance(each, int))
    return _Values(numbers, last_day="l" in found)


def _plain(field: _Field, text: str, item: str) -> str:
    """Return ``item`` in the words in which croniter means what cron(8) means."""
    if not item.isascii() or _RANDOM.fullmatch(item):
        raise _error(field, text)
    start = _STEP_FROM.fullmatch(item)
    if start and (_number(start[1]) or 0) >= _last(field):
        # Some versions of croniter take 59/15 for */15.
        return start[1]
    found = _RANGE.fullmatch(item)
    if found is None:
        return item
    low, high = _number(found[1]), _number(found[2])
    if low is None or high is None:
        return item
    if field is _WEEKDAY and low != high:
        # Sunday is 0 where a range begins, and 7 where it ends.
        low, high = low % 7, high or 7
    if low == high:
        # croniter takes 5-5 for all values.
        return found[1] + (found[4] or "")
    if low > high and found[3]:
        raise _error(field, text, "A range that turns over takes no step: list it")
    return item


def _last(field: _Field) -> int:
    """Return the last number of a field; that Sunday has a second one is left out."""
    return 6 if field is _WEEKDAY else field.highest


def _number(token: str) -> int | None:
    if token.isdecimal():
        return int(token)
    return _NUMBERS.get(token)


def _require_days(spelled: str, fields: Fields) -> None:
    lengths = {2: (28, 29), 4: (30,), 6: (30,), 9: (30,), 11: (30,)}
    for month in range(1, 13):
        if fields.months >> month & 1:
            for length in lengths.get(month, (31,)):
                if any(fields.days[(length - 28) * 7 :][:7]):
                    return
    raise ValueError(
        f"The crontab {spelled!r} is never due: none of its months has such a day. "
        "Change the day of month, the month or the day of week."
    )


def _error(field: _Field, text: str, hint: str = "") -> ValueError:
    return ValueError(f"The {field.name} {text!r} is not valid. {hint or field.hint}")
