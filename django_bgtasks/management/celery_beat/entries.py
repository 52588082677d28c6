"""What Celery knows of a periodic task, from wherever it was read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any


@dataclass(frozen=True, slots=True)
class CeleryCrontab:
    """The five fields as they were written, and their zone."""

    minute: str
    hour: str
    day_of_month: str
    month_of_year: str
    day_of_week: str
    timezone: str

    def __str__(self) -> str:
        fields = (self.minute, self.hour, self.day_of_month, self.month_of_year)
        return " ".join("".join(each.split()) for each in (*fields, self.day_of_week))


@dataclass(frozen=True, slots=True)
class Every:
    """An interval; a ``relative`` one is rounded to the clock."""

    length: timedelta
    relative: bool = False

    def __str__(self) -> str:
        return f"every {self.length}"


@dataclass(frozen=True, slots=True)
class Sun:
    event: str
    latitude: Any
    longitude: Any

    def __str__(self) -> str:
        return f"{self.event} ({self.latitude}, {self.longitude})"


@dataclass(frozen=True, slots=True)
class Once:
    at: datetime

    def __str__(self) -> str:
        return f"{self.at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


When = CeleryCrontab | Every | Sun | Once


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A periodic task of Celery. Moments are aware.

    ``when`` is a text if its timing cannot be read: what is wrong with it.
    """

    name: str
    task: str
    when: When | str
    args: Any = ()
    kwargs: Any = None
    headers: Any = None
    queue: str | None = None
    exchange: str | None = None
    routing_key: str | None = None
    priority: int | None = None
    expires: datetime | None = None
    expire_seconds: float | None = None
    one_off: bool = False
    start_time: datetime | None = None
    enabled: bool = True
    last_run_at: datetime | None = None
    # Since when Celery counts the intervals of one that has never run.
    counted_from: datetime | None = None
    total_run_count: int = 0
    description: str = ""
