"""The clocks of the world: what they show, and when they are set.

Instants and readings are naive datetimes here, in UTC and in local time; what they
are is said by their names.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo, available_timezones

SECOND = timedelta(seconds=1)
# No clock has been set, or will be, twice within this span.
_APART = timedelta(days=3)
# No clock has shown times further apart than this, all its changes together.
NEAR = timedelta(hours=30)
_DAY = timedelta(days=1)


class Change(NamedTuple):
    """A clock is set: from ``at`` (UTC) on it shows UTC + ``after``."""

    at: datetime
    before: timedelta
    after: timedelta


@lru_cache(maxsize=1024)
def zone_named(name: str) -> ZoneInfo:
    """Return the zone called ``name``; raise ``ValueError`` if there is none."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError, TypeError):
        # No such file, a path that leaves the database, a folder of zones.
        pass
    except Exception as error:
        raise ValueError(f"The time zone {name!r} cannot be read: {error}") from error
    near = difflib.get_close_matches(str(name)[:64], sorted(available_timezones()), n=1)
    hint = f"Did you mean {near[0]!r}?" if near else "Write one as 'Europe/Berlin'."
    raise ValueError(f"There is no time zone {name!r}. {hint}")


def offset_at(zone: ZoneInfo, instant: datetime) -> timedelta:
    offset = instant.replace(tzinfo=UTC).astimezone(zone).utcoffset()
    return offset if offset is not None else timedelta()


def change_within(zone: ZoneInfo, after: datetime, until: datetime) -> Change | None:
    """Return the change of the clock in ``after`` < at <= ``until``, if there is one.

    The instants are whole seconds, no more than three days apart.
    """
    before, then = offset_at(zone, after), offset_at(zone, until)
    return None if before == then else _change(zone, after, until, before, then)


def changes_within(
    zone: ZoneInfo, after: datetime, until: datetime
) -> Iterator[Change]:
    """Yield the changes of the clock in ``after`` < at <= ``until``."""
    before = offset_at(zone, after)
    while after < until:
        end = min(after + _APART, until)
        then = offset_at(zone, end)
        if then != before:
            yield _change(zone, after, end, before, then)
        after, before = end, then


def _change(
    zone: ZoneInfo,
    after: datetime,
    until: datetime,
    before: timedelta,
    then: timedelta,
) -> Change:
    while until - after > SECOND:
        middle = after + (until - after) // SECOND // 2 * SECOND
        if offset_at(zone, middle) == before:
            after = middle
        else:
            until = middle
    return Change(until, before, then)


def first_instant(zone: ZoneInfo, reading: datetime) -> datetime | None:
    """Return the first instant (UTC) at which the clock shows ``reading`` or more.

    For a reading that is skipped when the clock is set forward this is the moment of
    the change; for one that comes twice, the first time. None if the whole day of
    the reading is skipped: such a day does not exist.
    """
    earlier = reading.replace(tzinfo=zone)
    before, after = earlier.utcoffset(), earlier.replace(fold=1).utcoffset()
    if before is None or after is None or after <= before:
        return reading - (before or timedelta())
    change = change_within(zone, reading - after, reading - before)
    if change is None:  # pragma: no cover (the two offsets come from a change)
        return reading - before
    day = skipped_day(change)
    return None if day and day <= reading < day + _DAY else change.at


def skipped_day(change: Change) -> datetime | None:
    """Return the midnight at which a day that the clock never shows would begin."""
    shown = change.at + change.before
    midnight = shown.replace(hour=0, minute=0, second=0)
    if midnight < shown:
        midnight += _DAY
    return midnight if midnight + _DAY <= change.at + change.after else None
