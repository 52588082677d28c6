"""What is wrong with when a schedule is due, at the field that is at fault."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from .crontab import parse_crontab
from .interval import LONGEST, SHORTEST
from .solar import SOLAR_EVENTS
from .timing import FIRST_YEAR, LAST_YEAR, Timing
from .timings import MAIN_FIELDS, aware, timing_of, window_of
from .wording import _
from .zones import zone_named

Found = Iterator[tuple[str, str]]
_MOMENTS = ("anchor_at", "clocked_at", "start_at", "end_at")
_DEGREES = {"latitude": 90, "longitude": 180}
_INSTANT = timedelta(microseconds=1)


def find_timing_problems(row: Any, now: datetime | None) -> Found:
    """Yield each field and what is wrong there; see ``validate.problems``."""
    kind = str(row.kind)
    if kind not in MAIN_FIELDS:
        text = _("“%(value)s” is none of the choices, which are: %(choices)s.")
        yield "kind", text % {"value": kind, "choices": ", ".join(MAIN_FIELDS)}
        return
    # What the kind does not need has to be storable all the same.
    found = [*_zone(row), *_moments(row), *_place(row), *_length(row)]
    found += _KINDS[kind](row)
    yield from found
    if found:
        return
    try:
        timing = timing_of(row)
        yield from _window(row, timing, now)
    except ImportError as error:
        yield "kind", str(error)
    except (ValueError, OverflowError) as error:
        # What no rule above knows of must not be called right.
        yield MAIN_FIELDS[kind], str(error)


def _zone(row: Any) -> Found:
    try:
        zone_named(str(row.timezone))
    except ValueError as error:
        yield "timezone", str(error)


def _moments(row: Any) -> Found:
    for field in _MOMENTS:
        moment = getattr(row, field)
        if moment is None:
            continue
        if not isinstance(moment, datetime):
            yield field, _("Give a date and a time.")
        elif not FIRST_YEAR < moment.year < LAST_YEAR:
            years = {"first": FIRST_YEAR + 1, "last": LAST_YEAR - 1}
            yield field, _("Give a year from %(first)d to %(last)d.") % years


def _crontab(row: Any) -> Found:
    if not row.crontab:
        yield "crontab", _("Write a crontab, such as “30 7 * * mon-fri” or “@daily”.")
        return
    try:
        parse_crontab(row.crontab)
    except ValueError as error:
        yield "crontab", str(error)


def _length(row: Any) -> Found:
    every = row.every
    if every is None:
        return
    if not isinstance(every, timedelta):
        yield "every", _("Give the time between two runs, such as 00:05:00.")
    elif every < SHORTEST:
        yield "every", _("Give one second or more.")
    elif every > LONGEST:
        yield "every", _("Give %(days)d days or less.") % {"days": LONGEST.days}


def _interval(row: Any) -> Found:
    if row.every is None:
        yield "every", _("Give the time between two runs, such as 00:05:00.")


def _clocked(row: Any) -> Found:
    if row.clocked_at is None:
        yield "clocked_at", _("Give the date and the time to run at.")


def _solar(row: Any) -> Found:
    if row.solar_event not in SOLAR_EVENTS:
        text = _("Choose one of %(events)s.")
        yield "solar_event", text % {"events": ", ".join(SOLAR_EVENTS)}
    for field in _DEGREES:
        if getattr(row, field) is None:
            yield field, _degrees(field)


def _place(row: Any) -> Found:
    for field, most in _DEGREES.items():
        value = getattr(row, field)
        if value is not None and not _is_within(value, most):
            yield field, _degrees(field)


def _is_within(value: Any, most: int) -> bool:
    try:
        number = isinstance(value, (int, float, Decimal)) and type(value) is not bool
        return number and abs(float(value)) <= most
    except (ValueError, OverflowError):
        return False


def _degrees(field: str) -> str:
    most = {"most": _DEGREES[field]}
    return _("Give degrees from -%(most)d to %(most)d.") % most


_KINDS: Mapping[str, Callable[[Any], Found]] = {
    "crontab": _crontab,
    "interval": _interval,
    "clocked": _clocked,
    "solar": _solar,
}


def _window(row: Any, timing: Timing, now: datetime | None) -> Found:
    """Yield what keeps a right timing from ever being due."""
    start, end = window_of(row)
    if start and end and end <= start:
        yield "end_at", _("Give an end that is after the start.")
        return
    is_clocked = str(row.kind) == "clocked"
    if now and is_clocked and aware(row.clocked_at) <= now:
        yield "clocked_at", _("This time has passed. Give one that is to come.")
        return
    if now and end and end <= now:
        yield "end_at", _("This time has passed. Give one that is to come.")
        return
    after = [moment for moment in (start and start - _INSTANT, now) if moment]
    if is_clocked and not after:
        after = [aware(row.clocked_at) - _INSTANT]
    if not after:
        return
    due = timing.next(max(after))
    if due is None:
        text = _("This is never due. Change it, or the start.")
        yield MAIN_FIELDS[str(row.kind)], text
    elif end and due > end:
        yield "end_at", _("Nothing is due by then. Give a later end.")
