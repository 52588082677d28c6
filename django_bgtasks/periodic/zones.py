"""The clocks of the world: what they show, and when they are set.

Instants and readings are naive datetimes here, in UTC and in local time; what they
are is said by their names.
"""

from __future__ import annotations

import difflib
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo, available_timezones

SECOND = timedelta(seconds=1)
# The longest span in which ``change_within`` looks: in no zone since 1900, and by no
# rule for the future, have two changes been closer together (6 days 23 hours).
NEAR = timedelta(hours=30)


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
    near = difflib.get_close_matches(str(name), sorted(available_timezones()), n=1)
    hint = f"Did you mean {near[0]!r}?" if near else "Write one as 'Europe/Berlin'."
    raise ValueError(f"There is no time zone {name!r}. {hint}")


def offset_at(zone: ZoneInfo, instant: datetime) -> timedelta:
    offset = instant.replace(tzinfo=UTC).astimezone(zone).utcoffset()
    return offset if offset is not None else timedelta()


def change_within(zone: ZoneInfo, after: datetime, until: datetime) -> Change | None:
    """Return the change of the clock in ``after`` < at <= ``until``, if there is one.

    The instants are whole seconds, no further apart than a few days.
    """
    before, then = offset_at(zone, after), offset_at(zone, until)
    if before == then:
        return None
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
    midnight = reading.replace(hour=0, minute=0, second=0)
    skipped = change.at + before <= midnight
    if skipped and midnight + timedelta(days=1) <= change.at + after:
        return None
    return change.at
