"""Whatever a timing says, it is worked out in time or refused in words."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from django_bgtasks.models import Schedule
from django_bgtasks.periodic.decide import upcoming
from django_bgtasks.periodic.timings import timing_of, window_of, words
from django_bgtasks.periodic.validate import problems
from tests.testapp.tasks import record

from .cases import cases, tried, unhurried
from .junk import Junk

pytestmark = [pytest.mark.once, unhurried]

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
ZONES = ("UTC", "Europe/Berlin", "Asia/Kathmandu", "Pacific/Apia", "Africa/Monrovia")


def judged(row: Schedule) -> bool:
    """Tell whether a row has no problem; if so its next runs can be worked out."""
    found = problems(row, now=NOW)
    assert all(text for texts in found.values() for text in texts)
    assert isinstance(words(row), str)
    if found:
        return False
    runs = upcoming(timing_of(row), NOW, 5, *window_of(row))
    assert runs == sorted(set(runs))
    assert all(each > NOW for each in runs)
    return True


def test_crontabs() -> None:
    right = 0
    for junk in cases("crontab", 300):
        row = Schedule(
            name="junk",
            task_path=record.module_path,
            args=["key"],
            crontab=junk.crontab(),
            timezone=junk.choice((*ZONES, *ZONES, junk.text())),
        )
        with tried(junk):
            junk.says(row.crontab, row.timezone)
            right += judged(row)
    assert right


def degrees(junk: Junk) -> Any:
    return junk.choice(
        (Decimal(junk.randrange(-200, 200)) / 2, junk.number(), None, Decimal("NaN"))
    )


def test_other_kinds() -> None:
    for junk in cases("timing", 150):
        moments = ("anchor_at", "clocked_at", "start_at", "end_at")
        row = Schedule(
            name="junk",
            task_path=record.module_path,
            args=["key"],
            kind=junk.choice(("interval", "clocked", "solar", "solar", junk.text())),
            every=junk.choice((junk.length(), junk.length(), junk.value())),
            timezone=junk.choice(ZONES),
            solar_event=junk.choice(("sunset", "sunrise", "noon", junk.text())),
            latitude=degrees(junk),
            longitude=degrees(junk),
            **{name: junk.moment() for name in junk.sample(moments, 2)},
        )
        with tried(junk):
            junk.says({**row.__dict__, "_state": None})
            judged(row)
