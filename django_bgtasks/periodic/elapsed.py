"""Crontabs that follow elapsed time: those whose hour is ``*`` or a step of it.

They are due at every instant at which the clock shows a matching time: again in the
hour that comes twice, and never at a time that the clock skips. Instants are naive,
in UTC and in whole seconds.
"""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from .fields import Fields
from .zones import NEAR, SECOND, change_within, changes_within, offset_at


def first_from(instant: datetime, fields: Fields, zone: ZoneInfo) -> datetime | None:
    """Return the first due instant from ``instant`` on."""
    while True:
        offset = offset_at(zone, instant)
        reading = fields.on_or_after(instant + offset)
        if reading is None:
            return None
        found = reading - offset
        horizon = min(found, instant + NEAR)
        change = change_within(zone, instant, horizon)
        if change:
            instant = change.at
        elif found == horizon:
            return found
        else:
            # In between, no clock that differs by less than NEAR matches either.
            instant = max(horizon, found - NEAR)


def last_to(instant: datetime, fields: Fields, zone: ZoneInfo) -> datetime | None:
    """Return the last due instant up to ``instant``."""
    while True:
        offset = offset_at(zone, instant)
        reading = fields.on_or_before(instant + offset)
        if reading is None:
            return None
        found = reading - offset
        horizon = max(found, instant - NEAR)
        change = change_within(zone, horizon, instant)
        if change:
            instant = change.at - SECOND
        elif found == horizon:
            return found
        else:
            instant = min(horizon, found + NEAR)


def count(first: datetime, final: datetime, fields: Fields, zone: ZoneInfo) -> int:
    """Return the number of due instants from ``first`` to ``final``, both included."""
    total = 0
    for change in changes_within(zone, first, final):
        shown = first + change.before, change.at + change.before - SECOND
        total += fields.count(*shown)
        first = change.at
    offset = offset_at(zone, first)
    return total + fields.count(first + offset, final + offset)
