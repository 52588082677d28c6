"""Timing by exact elapsed time, whatever the clocks of a zone do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from .timing import to_utc

SHORTEST = timedelta(seconds=1)
LONGEST = timedelta(days=3660)


@dataclass(frozen=True, slots=True)
class Interval:
    """Due at ``anchor`` and every ``every`` after it, to the microsecond.

    Raise ``ValueError`` if ``every`` is shorter than a second or longer than ten
    years, or ``anchor`` has no time zone.
    """

    every: timedelta
    anchor: datetime

    def __post_init__(self) -> None:
        if not SHORTEST <= self.every <= LONGEST:
            raise ValueError(
                f"every must be between 1 second and {LONGEST.days} days, "
                f"not {self.every}."
            )
        to_utc(self.anchor, "anchor")

    def next(self, after: datetime) -> datetime | None:
        start, after = to_utc(self.anchor, "anchor"), to_utc(after, "after")
        if after < start:
            return start
        return start + ((after - start) // self.every + 1) * self.every

    def last(self, until: datetime) -> datetime | None:
        start, until = to_utc(self.anchor, "anchor"), to_utc(until, "until")
        if until < start:
            return None
        return start + (until - start) // self.every * self.every

    def count(self, since: datetime, until: datetime) -> int:
        start = to_utc(self.anchor, "anchor")
        since, until = to_utc(since, "since"), to_utc(until, "until")
        first = max(0, -((start - since) // self.every))
        last = (until - start) // self.every
        return max(0, last - first + 1)

    def words(self) -> str:
        return f"every {_length(self.every)}"


_UNITS = (
    ("day", timedelta(days=1)),
    ("hour", timedelta(hours=1)),
    ("minute", timedelta(minutes=1)),
    ("second", timedelta(seconds=1)),
)


def _length(every: timedelta) -> str:
    parts = []
    for name, unit in _UNITS:
        number, every = divmod(every, unit)
        if name == "second" and every:
            parts.append(f"{number + every / unit:.6f}".rstrip("0") + " seconds")
        elif number:
            parts.append(f"{number} {name}{'s' if number > 1 else ''}")
    *most, final = parts
    if not most:
        return final.removeprefix("1 ") if final.startswith("1 ") else final
    return f"{', '.join(most)} and {final}"
