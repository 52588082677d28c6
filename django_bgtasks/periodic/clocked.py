"""Timing by one moment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from .timing import in_words, to_utc


@dataclass(frozen=True, slots=True)
class Clocked:
    """Due once, at ``at``. Raise ``ValueError`` if it has no time zone."""

    at: datetime

    def __post_init__(self) -> None:
        to_utc(self.at, "at")

    def next(self, after: datetime) -> datetime | None:
        at = to_utc(self.at, "at")
        return at if at > to_utc(after, "after") else None

    def last(self, until: datetime) -> datetime | None:
        at = to_utc(self.at, "at")
        return at if at <= to_utc(until, "until") else None

    def count(self, since: datetime, until: datetime) -> int:
        at = to_utc(self.at, "at")
        return int(to_utc(since, "since") <= at <= to_utc(until, "until"))

    def words(self) -> str:
        return f"at {in_words(self.at)}"
