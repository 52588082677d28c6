"""Timing by a crontab in a time zone.

Where the hour is ``*`` or a step of it, the crontab follows elapsed time; any other
has fixed times. The two differ where the clock of the zone is set.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from . import elapsed, fixed
from .describe import describe
from .syntax import parse_crontab
from .timing import to_utc
from .zones import SECOND, zone_named

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
        rule = elapsed if fields.elapsed else fixed
        return _aware(rule.first_from(start, fields, zone))

    def last(self, until: datetime) -> datetime | None:
        fields, zone = parse_crontab(self.expression), zone_named(self.zone)
        end = _whole_second(until, "until")
        rule = elapsed if fields.elapsed else fixed
        return _aware(rule.last_to(end, fields, zone))

    def count(self, since: datetime, until: datetime) -> int:
        fields, zone = parse_crontab(self.expression), zone_named(self.zone)
        start, end = _whole_second(since, "since"), _whole_second(until, "until")
        if since.microsecond:
            start += SECOND
        rule = elapsed if fields.elapsed else fixed
        return rule.count(start, end, fields, zone) if start <= end else 0

    def words(self) -> str:
        return f"{describe(self.expression)} ({self.zone})"


def _whole_second(moment: datetime, name: str) -> datetime:
    return to_utc(moment, name).replace(tzinfo=None, microsecond=0)


def _aware(instant: datetime | None) -> datetime | None:
    return instant and instant.replace(tzinfo=UTC)
