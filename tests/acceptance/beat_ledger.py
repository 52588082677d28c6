"""Schedules of every kind, and whether each due moment of theirs has one job.

What is due is told by the timings themselves, which property tests hold to a
reference of their own; here it is about the beats.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from unittest.mock import patch

from django.db import connection

from django_bgtasks.compat import task_backends
from django_bgtasks.models import Job, Plan, Schedule, Tick
from django_bgtasks.periodic import plans, tick
from django_bgtasks.periodic.decide import upcoming
from django_bgtasks.periodic.solar import Solar
from django_bgtasks.periodic.timings import timing_of
from django_bgtasks.results import public
from django_bgtasks.vendors import vendor_of

ZONES = (
    "UTC",
    "America/New_York",
    "Europe/London",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "Pacific/Apia",
)
SECONDS = ("* * * * * *", "*/2 * * * * *", "*/3 * * * * *", "1-59/5 * * * * *")
MINUTES = (
    *("* * * * *", "*/10 * * * *", "30 1 * * *", "30 2 * * *", "0 */2 * * *"),
    *("0 * * * *", "15,45 1-3 * * *", "59 23 * * *", "0 9 1 * *", "5 4 * * 0"),
)


def make(count: int, seconds_ahead: float, *, fast: bool, seed: int = 1) -> None:
    """Make schedules that are due within the next time, and plan them."""
    chance, vendor = random.Random(seed), vendor_of(connection)
    now = vendor.now()
    kinds = [_crontab, _crontab, _interval, _clocked, _solar]
    Schedule.objects.bulk_create(
        Schedule(
            name=f"schedule {number}",
            task_path="tests.testapp.tasks.record",
            args=[str(number)],
            missed="run_all",
            **kinds[number % len(kinds)](chance, now, seconds_ahead, fast),
        )
        for number in range(count)
    )
    plans.replan(vendor, plans.changed(vendor, "default", now), now)


def look() -> datetime:
    """Look as a beat does until nothing is due, all of it at one time; return that."""
    vendor, backend = vendor_of(connection), task_backends["default"]
    now = vendor.now()
    with patch.object(type(vendor), "now", lambda vendor: now):
        while True:
            seen = tick.look(vendor, backend)
            if not seen.is_full and (seen.wake_at is None or seen.wake_at > now):
                return now


def planned() -> dict[int, datetime]:
    """Return the next run of each schedule."""
    rows = Plan.objects.filter(next_run_at__isnull=False)
    read = vendor_of(connection).from_database
    return {row.pk: read(row.next_run_at) for row in rows}  # type: ignore[misc]


def differences(first: dict[int, datetime], until: datetime) -> list[str]:
    """Say where jobs and due moments differ, from ``first`` on up to ``until``."""
    read = vendor_of(connection).from_database
    scheduled = Job.objects.filter(schedule_id__isnull=False)
    rows = scheduled.values_list("schedule_id", "scheduled_for")
    jobs = Counter((key, read(moment)) for key, moment in rows)
    due = {
        (key, moment)
        for key, start in first.items()
        for moment in _moments(Schedule.objects.get(pk=key), start, until)
    }
    ticks = Tick.objects.filter(outcome="enqueued").count()
    return [
        *(f"{where} has {number} jobs" for where, number in jobs.items() if number > 1),
        *(f"{where} has no job" for where in sorted(due - jobs.keys())),
        *(f"{where} was not due" for where in jobs.keys() - due),
        *([f"{ticks} ticks for {len(due)} moments"] if ticks != len(due) else []),
    ]


def _moments(schedule: Schedule, start: datetime, until: datetime) -> Iterator[Any]:
    timing = timing_of(schedule)
    moment: datetime | None = start
    while moment is not None and moment <= until:
        yield moment
        moment = timing.next(moment)


def _crontab(
    chance: random.Random, now: datetime, ahead: float, fast: bool
) -> dict[str, Any]:
    crontab = chance.choice(MINUTES if fast else SECONDS)
    return {"crontab": crontab, "timezone": chance.choice(ZONES)}


def _interval(
    chance: random.Random, now: datetime, ahead: float, fast: bool
) -> dict[str, Any]:
    every = timedelta(seconds=max(ahead * chance.uniform(0.05, 0.6), 1))
    anchor = now - timedelta(days=chance.uniform(0, 1000))
    return {"kind": "interval", "every": every, "anchor_at": public(anchor)}


def _clocked(
    chance: random.Random, now: datetime, ahead: float, fast: bool
) -> dict[str, Any]:
    moment = now + timedelta(seconds=chance.uniform(0.1, ahead))
    return {"kind": "clocked", "clocked_at": public(moment)}


def _solar(
    chance: random.Random, now: datetime, ahead: float, fast: bool
) -> dict[str, Any]:
    """A sunset within the time: it comes to each degree of longitude in its turn."""
    latitude = chance.randint(-50, 50)
    wanted = now + timedelta(seconds=chance.uniform(0.3, 1) * ahead)
    best = min(
        (x / 10 for x in range(-1800, 1800, 100)),
        key=lambda x: _distance(latitude, x, now, wanted),
    )
    return {
        "kind": "solar",
        "solar_event": "sunset",
        "latitude": latitude,
        "longitude": best,
    }


def _distance(
    latitude: float, longitude: float, now: datetime, wanted: datetime
) -> float:
    (event,) = upcoming(Solar("sunset", latitude, longitude), now, 1)
    return abs((event - wanted).total_seconds())
