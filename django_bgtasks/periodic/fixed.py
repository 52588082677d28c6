"""Crontabs at fixed times: those whose hour is neither ``*`` nor a step of it.

They are due at the first instant at which the clock shows a matching time or more:
once for each time of each local day, at the first of two occurrences, and at the
change itself if the clock skips the time. A day that is skipped as a whole has no
times. Instants are naive, in UTC and in whole seconds.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from .fields import Fields
from .zones import (
    NEAR,
    SECOND,
    Change,
    change_within,
    changes_within,
    first_instant,
    offset_at,
    skipped_day,
)

_DAY = timedelta(days=1)


def first_from(instant: datetime, fields: Fields, zone: ZoneInfo) -> datetime | None:
    """Return the first due instant from ``instant`` on."""
    reading = fields.on_or_after(_not_due_before(instant, zone))
    while reading is not None:
        found = first_instant(zone, reading)
        if found is not None:
            return found
        midnight = reading.replace(hour=0, minute=0, second=0)
        reading = fields.on_or_after(midnight + timedelta(days=1))
    return None


def last_to(instant: datetime, fields: Fields, zone: ZoneInfo) -> datetime | None:
    """Return the last due instant up to ``instant``."""
    reading = fields.on_or_before(_due_by(instant, zone))
    while reading is not None:
        found = first_instant(zone, reading)
        if found is not None:
            return found
        midnight = reading.replace(hour=0, minute=0, second=0)
        reading = fields.on_or_before(midnight - SECOND)
    return None


def count(first: datetime, final: datetime, fields: Fields, zone: ZoneInfo) -> int:
    """Return the number of due instants from ``first`` to ``final``, both included."""
    total = fields.count(_not_due_before(first, zone), _due_by(final, zone))
    for change in changes_within(zone, first - SECOND, final):
        if change.after > change.before:
            total -= _merged(change, fields)
    return total


def _merged(change: Change, fields: Fields) -> int:
    """Return how many matching times are due at no instant of their own.

    All that the clock skips, and the one that it shows then, are one moment.
    """
    shown = change.at + change.before, change.at + change.after
    day = skipped_day(change)
    gone = fields.count(day, day + _DAY - SECOND) if day else 0
    rest = fields.count(*shown) - gone
    return gone + max(0, rest - 1)


def _not_due_before(instant: datetime, zone: ZoneInfo) -> datetime:
    """Return the reading from which on times are due at ``instant`` or later."""
    reading = instant + offset_at(zone, instant)
    change = change_within(zone, instant - NEAR, instant)
    if change is None:
        return reading
    shown = change.at + change.before
    if change.at == instant:
        # What is skipped at this very instant is due at it.
        return shown
    # What was shown before the clock was set back is not due again.
    return max(reading, shown) if change.after < change.before else reading


def _due_by(instant: datetime, zone: ZoneInfo) -> datetime:
    """Return the reading up to which times are due at ``instant`` or earlier."""
    reading = instant + offset_at(zone, instant)
    change = change_within(zone, instant - NEAR, instant)
    return max(reading, change.at + change.before - SECOND) if change else reading
