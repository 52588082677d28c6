from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from django_bgtasks.admin import ticks
from django_bgtasks.models import Schedule, Tick
from django_bgtasks.results import public

from .conftest import MakeSchedule, Staff
from .schedules import address, shown
from .test_schedule_list import finished

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


def tick(
    schedule: Schedule, number: int, outcome: str = "enqueued", **more: Any
) -> Tick:
    due = public(NOON + timedelta(minutes=number))
    return Tick.objects.create(
        schedule=schedule, due_at=due, ticked_at=due, outcome=outcome, **more
    )


def test_each_outcome_is_told_in_words(boss: Client, schedule: MakeSchedule) -> None:
    mine = schedule(timezone="Asia/Tokyo")
    job = finished("succeeded")
    tick(mine, 0, job_id=job.pk)
    tick(mine, 1, "waiting")
    tick(mine, 2, "overlapped")
    tick(mine, 3, "missed", detail="Due moments missed from this one on: 7.")
    tick(mine, 4, "refused", detail="UnknownTask: gone")
    tick(mine, 5, by_hand=True)
    text = shown(boss.get(address("ticks", mine)))
    for word in (
        "Sun 1 Nov. 2026, 21:00:00 JST Enqueued Succeeded",
        "Waiting",
        "Left out: still running",
        "Missed - Due moments missed from this one on: 7.",
        "Refused - UnknownTask: gone",
        "Enqueued by hand",
    ):
        assert word in text
    assert text.index("21:05:00") < text.index("21:00:00")


def test_ticks_come_by_the_page(
    boss: Client, schedule: MakeSchedule, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, other = schedule(), schedule()
    Tick.objects.bulk_create(
        Tick(
            schedule=each,
            due_at=public(NOON + timedelta(minutes=number)),
            ticked_at=public(NOON),
            outcome="enqueued",
        )
        for each in (mine, other)
        for number in range(120)
    )
    url, sizes, seen = address("ticks", mine), [], set()
    while url:
        page = boss.get(url)
        lines = page.context["page"].lines
        sizes.append(len(lines))
        seen |= {line.due_at for line in lines}
        later = re.search(r'href="(\?before=[^"]+)" rel="next"', page.content.decode())
        url = address("ticks", mine) + later[1] if later else ""
    assert sizes == [50, 50, 20]
    assert len(seen) == 120


def test_page_of_ticks_takes_few_statements(
    boss: Client, schedule: MakeSchedule
) -> None:
    mine = schedule()
    for number in range(20):
        tick(mine, number, job_id=finished("failed").pk)
    with CaptureQueriesContext(connection) as queries:
        boss.get(address("ticks", mine))
    assert len(queries) <= 6


def test_form_shows_the_latest_ticks(boss: Client, schedule: MakeSchedule) -> None:
    mine = schedule()
    for number in range(9):
        tick(mine, number)
    page = boss.get(address("change", mine))
    assert shown(page).count("Enqueued") == 5
    assert address("ticks", mine) in page.content.decode()


@pytest.mark.parametrize(
    "before",
    [
        "",
        "soon",
        "2026-13-01",
        "2026-11-01",
        "2026-11-01T12:00:00",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "'; DROP TABLE x",
        "\0",
    ],
)
def test_moment_typed_by_hand_breaks_nothing(
    boss: Client, schedule: MakeSchedule, before: str
) -> None:
    mine = schedule()
    tick(mine, 0)
    page = boss.get(address("ticks", mine), {"before": before})
    assert page.status_code == 200


def test_schedule_that_is_gone_has_no_page(
    boss: Client, schedule: MakeSchedule
) -> None:
    mine = schedule()
    url = address("ticks", mine)
    mine.delete()
    assert boss.get(url).status_code == 404
    assert boss.get(url.replace("1", "x")).status_code == 404


def test_ticks_are_for_those_who_may_see_schedules(
    staff: Staff, schedule: MakeSchedule
) -> None:
    mine = schedule()
    assert staff("view_schedule").get(address("ticks", mine)).status_code == 200
    assert staff("add_schedule").get(address("ticks", mine)).status_code == 403


def test_no_more_than_a_page_is_read(schedule: MakeSchedule) -> None:
    mine = schedule()
    for number in range(4):
        tick(mine, number)
    page = ticks.read_ticks(mine, limit=2)
    assert len(page.lines) == 2
    assert ticks.read_ticks(mine, page.before, limit=2).before == ""
