"""Timing by a crontab in a time zone; the rules for when clocks are set.

A crontab whose hour is ``*`` or ``*/n`` is *elapsed*: it is due at every instant at
which the clock shows a matching time. Any other is *fixed*: it is due at the first
instant at which the clock shows a matching time or, if that one is skipped, a later
one; so once for each time of each day that exists.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from .describe import describe
from .fields import Fields
from .syntax import parse_crontab
from .timing import to_utc
from .zones import NEAR, SECOND, change_within, first_instant, offset_at, zone_named

__all__ = ["Crontab", "describe", "parse_crontab"]


@dataclass(frozen=True, slots=True)
class Crontab:
    """Due at the times of ``expression`` on the clocks of ``zone``.

    ``zone`` is a name such as ``Europe/Berlin``. Raise ``ValueError`` if one of the
    two is not valid or if the expression is never due.
    """

    expression: str
    zone: str

    def __post_init__(self) -> None:
        parse_crontab(self.expression)
        zone_named(self.zone)

    def next(self, after: datetime) -> datetime | None:
        fields, zone = parse_crontab(self.expression), zone_named(self.zone)
        start = _whole_second(after, "after") + SECOND
        step = _next_elapsed if fields.elapsed else _next_fixed
        return _aware(step(fields, zone, start))

    def last(self, until: datetime) -> datetime | None:
        fields, zone = parse_crontab(self.expression), zone_named(self.zone)
        end = _whole_second(until, "until")
        step = _last_elapsed if fields.elapsed else _last_fixed
        return _aware(step(fields, zone, end))

    def words(self) -> str:
        return f"{describe(self.expression)} ({self.zone})"


def _whole_second(moment: datetime, name: str) -> datetime:
    return to_utc(moment, name).replace(tzinfo=None, microsecond=0)


def _aware(instant: datetime | None) -> datetime | None:
    return instant and instant.replace(tzinfo=UTC)


def _next_elapsed(fields: Fields, zone: ZoneInfo, instant: datetime) -> datetime | None:
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


def _last_elapsed(fields: Fields, zone: ZoneInfo, instant: datetime) -> datetime | None:
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


def _next_fixed(fields: Fields, zone: ZoneInfo, instant: datetime) -> datetime | None:
    """Return the first due instant from ``instant`` on."""
    start = instant + offset_at(zone, instant)
    change = change_within(zone, instant - NEAR, instant)
    if change:
        shown = change.at + change.before
        if change.at == instant:
            # What is skipped at this very instant is due at it.
            start = shown
        elif change.after < change.before:
            # What was shown before the clock was set back is not due again.
            start = max(start, shown)
    reading = fields.on_or_after(start)
    while reading is not None:
        found = first_instant(zone, reading)
        if found is not None:
            return found
        midnight = reading.replace(hour=0, minute=0, second=0)
        reading = fields.on_or_after(midnight + timedelta(days=1))
    return None


def _last_fixed(fields: Fields, zone: ZoneInfo, instant: datetime) -> datetime | None:
    """Return the last due instant up to ``instant``."""
    end = instant + offset_at(zone, instant)
    change = change_within(zone, instant - NEAR, instant)
    if change:
        end = max(end, change.at + change.before - SECOND)
    reading = fields.on_or_before(end)
    while reading is not None:
        found = first_instant(zone, reading)
        if found is not None:
            return found
        midnight = reading.replace(hour=0, minute=0, second=0)
        reading = fields.on_or_before(midnight - SECOND)
    return None
