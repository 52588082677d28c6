"""Where a crontab differs from Celery's on the days on which clocks are set."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from ...periodic.crontab import parse_crontab
from ...periodic.fields import Fields
from ...periodic.zones import NEAR, Change, change_within, zone_named

_YEAR = timedelta(days=366)


def clock_differences(expression: str, zone: str, now: datetime) -> Iterator[str]:
    """Say how it differs when the clock of a valid zone is set in the next year."""
    fields = parse_crontab(expression)
    for change in _changes(zone, now):
        forward = change.after > change.before
        text = _forward(fields, change) if forward else _back(fields, change)
        if text:
            yield text


def _forward(fields: Fields, change: Change) -> str:
    """Celery runs a skipped time as long after the change as it lies in the gap."""
    begin, end = change.at + change.before, change.at + change.after
    skipped = fields.on_or_after(begin)
    if skipped is None or skipped >= end:
        return ""
    later = skipped + (end - begin)
    if fields.elapsed:
        # Where the clock shows such a time after the gap as well, both run then.
        if fields.on_or_after(later) == later:
            return ""
        here = "is left out"
    elif later == end:
        return ""
    else:
        here = f"runs at {end:%H:%M}"
    return (
        f"{skipped:%H:%M} on {begin:%Y-%m-%d}, which clocks skip, {here}; Celery runs "
        f"it at {later:%H:%M}."
    )


def _back(fields: Fields, change: Change) -> str:
    """Celery is silent in an hour that is repeated."""
    begin, end = change.at + change.after, change.at + change.before
    repeated = fields.on_or_after(begin)
    if not fields.elapsed or repeated is None or repeated >= end:
        return ""
    return (
        f"{begin:%H:%M} to {end:%H:%M} on {begin:%Y-%m-%d}, which clocks show twice, "
        f"counts both times; Celery leaves the second out."
    )


@lru_cache(maxsize=1024)
def _changes(zone: str, now: datetime) -> tuple[Change, ...]:
    clock = zone_named(zone)
    moment = now.astimezone(UTC).replace(tzinfo=None, microsecond=0)
    windows = (moment + n * NEAR for n in range(_YEAR // NEAR + 1))
    found = (change_within(clock, each, each + NEAR) for each in windows)
    return tuple(change for change in found if change is not None)
