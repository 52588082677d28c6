from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from django_bgtasks.compat import task_backends
from django_bgtasks.models import Schedule
from django_bgtasks.periodic import tick
from django_bgtasks.results import public
from django_bgtasks.vendors import vendor_of


class Clock:
    """Stands in for the database's clock."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def to(self, hour: int, minute: int = 0, second: float = 0, **more: int) -> None:
        """Set the time of its day, or of ``day=`` in its month."""
        self.now = self.now.replace(
            hour=hour, minute=minute, second=0, microsecond=0, **more
        ) + timedelta(seconds=second)

    def forward(self, **length: float) -> None:
        self.now += timedelta(**length)


class Beat:
    """Looks once, when a test says so."""

    def __init__(self) -> None:
        self.backend: Any = task_backends["default"]
        self.vendor = vendor_of(connection)
        self.since: datetime | None = None

    def look(self) -> tick.Look:
        """Look until nothing is due any more, as a beat does."""
        enqueued = 0
        while True:
            look = tick.look(self.vendor, self.backend, self.since)
            self.since = look.now
            enqueued += look.enqueued
            if not look.is_full and (look.wake_at is None or look.wake_at > look.now):
                return tick.Look(look.now, enqueued, look.is_full, look.wake_at)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    """Sunday, 1 November 2026, noon."""
    clock = Clock(datetime(2026, 11, 1, 12, tzinfo=UTC))
    kind = type(vendor_of(connection))
    monkeypatch.setattr(kind, "now", lambda self: clock.now)
    return clock  # type: ignore[return-value]


@pytest.fixture
def beat(db: None, clock: Clock) -> Beat:
    return Beat()


@pytest.fixture
def schedule(db: None) -> Callable[..., Schedule]:
    """Make a schedule; of every minute, unless told otherwise."""
    numbers = iter(range(10_000))

    def make(**values: Any) -> Schedule:
        values = {
            "name": f"schedule {next(numbers)}",
            "task_path": "tests.testapp.tasks.record",
            "args": ["key"],
            "crontab": "* * * * *",
            **values,
        }
        moments = ("anchor_at", "clocked_at", "start_at", "end_at")
        for name in moments:
            if name in values:
                values[name] = public(values[name])
        return Schedule.objects.create(**values)

    return make
