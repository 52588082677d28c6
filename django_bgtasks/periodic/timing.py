"""What all kinds of timing promise: the next due moment, and the last one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Protocol

FIRST_YEAR = 1900
LAST_YEAR = 2500


class Timing(Protocol):
    """When something is due: an endless or finite row of moments.

    Every method takes aware datetimes of the years 1900 to 2500, in whatever zone,
    and raises ``ValueError`` for others. What it returns is in UTC. The cost does
    not depend on how many moments lie in between.
    """

    def next(self, after: datetime) -> datetime | None:
        """Return the first due moment later than ``after``, None if there is none."""

    def last(self, until: datetime) -> datetime | None:
        """Return the latest due moment up to ``until``, None if there is none."""

    def count(self, since: datetime, until: datetime) -> int | None:
        """Return the number of due moments from ``since`` to ``until``, both in.

        None if it would take too long to count them.
        """

    def words(self) -> str:
        """Return the timing in English words."""


def to_utc(moment: datetime, name: str) -> datetime:
    """Return ``moment`` in UTC; ``name`` is the argument that an error names."""
    if moment.tzinfo is None or moment.utcoffset() is None:
        raise ValueError(
            f"{name} must have a time zone, such as datetime(..., tzinfo=UTC); "
            f"{moment.isoformat()} has none."
        )
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise ValueError(
            f"{name} must lie in the years {FIRST_YEAR} to {LAST_YEAR}, "
            f"not {moment.isoformat()}."
        )
    return moment.astimezone(UTC)


def in_words(moment: datetime) -> str:
    """Return ``moment`` to the minute, or to the second if it has any."""
    clock = "%H:%M:%S" if moment.second or moment.microsecond else "%H:%M"
    zone = getattr(moment.tzinfo, "key", None) or moment.tzname() or f"{moment:%z}"
    return f"{moment:%Y-%m-%d} {moment:{clock}} {zone}"
