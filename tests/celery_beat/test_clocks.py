"""What is said of days on which clocks are set is what Celery and a beat do."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from django_bgtasks.management.celery_beat.clocks import clock_differences
from django_bgtasks.periodic.crontab import Crontab
from django_bgtasks.periodic.solar import SOLAR_EVENTS, Solar

pytestmark = pytest.mark.once

NEW_YORK = "America/New_York"
# Clocks skip 02:00 to 03:00 on 14 March 2027, and show 01:00 to 02:00 twice on
# 7 November.
SPRING = datetime(2027, 3, 14, tzinfo=ZoneInfo(NEW_YORK))
AUTUMN = datetime(2027, 11, 7, tzinfo=ZoneInfo(NEW_YORK))


@pytest.fixture
def celery_runs() -> Any:
    schedules = pytest.importorskip("celery.schedules")

    def runs(expression: str, day: datetime) -> list[datetime]:
        """Return when Celery's own crontab runs from midnight to the next noon."""
        moment = day.astimezone(UTC)
        end = moment + timedelta(hours=12)
        found = []
        while True:
            crontab = schedules.crontab.from_string(expression)
            crontab.nowfun = lambda moment=moment: moment.astimezone(day.tzinfo)
            vars(crontab)["tz"] = day.tzinfo
            moment += crontab.remaining_estimate(moment.astimezone(day.tzinfo))
            if moment >= end:
                return found
            found.append(moment)

    return runs


def our_runs(expression: str, day: datetime) -> list[datetime]:
    crontab = Crontab(expression, NEW_YORK)
    found, moment = [], day.astimezone(UTC)
    end = moment + timedelta(hours=12)
    while (following := crontab.next(moment)) and following < end:
        found.append(following)
        moment = following
    return found


CRONTABS = [
    "30 2 * * *",
    "0 2 * * *",
    "30 1 * * *",
    "0 * * * *",
    "*/30 * * * *",
    "0 */2 * * *",
    "15 9 * * *",
    "30 2 1 * *",
    "30 2 * * 0",
]


@pytest.mark.parametrize("day", [SPRING, AUTUMN], ids=["spring", "autumn"])
@pytest.mark.parametrize("expression", CRONTABS)
def test_difference_is_said_exactly_if_there_is_one(
    celery_runs: Any, expression: str, day: datetime
) -> None:
    before = day.astimezone(UTC) - timedelta(days=2)
    said = [
        text
        for text in clock_differences(expression, NEW_YORK, before)
        if f"{day:%Y-%m-%d}" in text
    ]
    theirs, ours = celery_runs(expression, day), our_runs(expression, day)
    assert bool(said) == (theirs != ours), (theirs, ours)
    for text in said:
        if "Celery runs it at" in text:
            clock = re.search(r"Celery runs it at (\d\d:\d\d)", text)
            (extra,) = set(theirs) - set(ours)
            assert clock is not None
            assert f"{extra.astimezone(day.tzinfo):%H:%M}" == clock[1]
        if found := re.search(r"runs at (\d\d:\d\d);", text):
            (extra,) = set(ours) - set(theirs)
            assert f"{extra.astimezone(day.tzinfo):%H:%M}" == found[1]
        if "counts both times" in text:
            assert set(theirs) < set(ours)


def test_zone_without_changes_has_nothing_to_say() -> None:
    now = datetime(2027, 1, 1, tzinfo=UTC)
    for zone in ("UTC", "Asia/Tokyo"):
        assert list(clock_differences("30 2 * * *", zone, now)) == []


@pytest.mark.parametrize("event", SOLAR_EVENTS)
def test_sun_is_within_a_minute_of_that_of_celery(event: str) -> None:
    pytest.importorskip("ephem", reason="celery[solar] is not installed")
    pytest.importorskip("astral")
    from celery.schedules import solar

    for latitude, longitude in ((-33.865143, 151.2099), (40.7, -74.0), (1.35, 103.8)):
        for month in (1, 4, 7, 10):
            after = datetime(2027, month, 3, tzinfo=UTC)
            theirs = solar(event, latitude, longitude)
            theirs.nowfun = lambda after=after: after
            moment = after + theirs.remaining_estimate(after)
            ours = Solar(event, latitude, longitude).next(after)
            assert ours is not None
            assert abs(ours - moment) < timedelta(minutes=1)
