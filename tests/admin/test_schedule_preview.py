from __future__ import annotations

from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any

import pytest
from django.test import Client

from django_bgtasks.models import Schedule
from django_bgtasks.results import public

from .conftest import MakeSchedule, Staff
from .schedules import address, given

URL = "/admin/django_bgtasks/schedule/preview/"


def preview(client: Client, **values: Any) -> dict[str, Any]:
    schedule = values.pop("schedule", "")
    sent = {**given(**values), "schedule": schedule}
    response = client.post(URL, sent)
    assert response.status_code == 200
    answer: dict[str, Any] = response.json()
    return answer


class _Times(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[datetime] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        if tag == "time":
            self.found.append(datetime.fromisoformat(dict(attrs)["datetime"]))


def times(answer: dict[str, Any]) -> list[datetime]:
    return _Times(answer["html"]).found


def test_next_five_runs_and_the_words(boss: Client) -> None:
    answer = preview(boss, crontab="0 12 1 1 *", timezone="Asia/Tokyo")
    assert "Asia/Tokyo" in answer["html"]
    assert "12:00:00 JST" in answer["html"]
    found = times(answer)
    assert len(found) == 5
    assert {(each.month, each.day, each.hour) for each in found} == {(1, 1, 3)}
    assert found[0] > datetime.now(UTC)
    assert answer["errors"] == {}


def test_preview_keeps_nothing(boss: Client, schedule: MakeSchedule) -> None:
    mine = schedule()
    preview(boss, schedule=mine.pk, crontab="@daily", timezone="Asia/Tokyo")
    mine.refresh_from_db()
    assert mine.crontab == "30 7 * * mon-fri"
    assert Schedule.objects.count() == 1


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"crontab": "0 0 30 2 *"}, "crontab"),
        ({"timezone": "Mars"}, "timezone"),
        ({"kind": "interval", "every": "0s"}, "every"),
        ({"kind": "clocked", "clocked_at_0": "2020-01-01"}, "clocked_at"),
        ({"kind": "weekly"}, "kind"),
        ({"end_at_0": "2020-01-01", "end_at_1": "10:00"}, "end_at"),
    ],
    ids=str,
)
def test_what_is_wrong_with_the_timing_is_said_at_once(
    boss: Client, values: dict[str, Any], field: str
) -> None:
    answer = preview(boss, **values)
    assert list(answer["errors"]) == [field]
    assert "No runs yet" in answer["html"]
    assert times(answer) == []


def test_what_is_wrong_elsewhere_is_no_matter_of_the_preview(boss: Client) -> None:
    answer = preview(boss, name="", task_path="", args="[")
    assert answer["errors"] == {}
    assert len(times(answer)) == 5


def test_nothing_but_a_token_is_answered_too(boss: Client) -> None:
    response = boss.post(URL, {})
    assert set(response.json()["errors"]) >= {"kind"}


def test_end_and_start_bound_the_runs(boss: Client) -> None:
    answer = preview(
        boss,
        crontab="0 12 * * *",
        timezone="UTC",
        start_at_0="2031-01-01",
        start_at_1="12:00",
        end_at_0="2031-01-02",
        end_at_1="12:00",
    )
    assert times(answer) == [
        datetime(2031, 1, 1, 12, tzinfo=UTC),
        datetime(2031, 1, 2, 12, tzinfo=UTC),
    ]


def test_one_off_that_has_run_is_over(boss: Client, schedule: MakeSchedule) -> None:
    past = public(datetime(2020, 1, 1, tzinfo=UTC))
    mine = schedule(kind="clocked", crontab="", timezone="UTC", clocked_at=past)
    values = {"kind": "clocked", "crontab": "", "timezone": "UTC"}
    moment = {"clocked_at_0": "2020-01-01", "clocked_at_1": "00:00:00"}
    answer = preview(boss, schedule=mine.pk, **values, **moment)
    assert "It will not run any more" in answer["html"]


def test_interval_is_counted_from_its_anchor(boss: Client) -> None:
    answer = preview(
        boss,
        kind="interval",
        every="00:10:00",
        anchor_at_0="2030-01-01",
        anchor_at_1="00:03:00",
        timezone="UTC",
    )
    found = times(answer)
    assert found[0] == datetime(2030, 1, 1, 0, 3, tzinfo=UTC)
    assert found[1] - found[0] == timedelta(minutes=10)


def test_html_in_what_is_typed_stays_text(boss: Client) -> None:
    hostile = "<script>alert(1)</script>"
    for values in ({"crontab": hostile}, {"timezone": hostile}, {"kind": hostile}):
        assert "<script" not in preview(boss, **values)["html"]


def test_preview_is_for_those_who_see_or_add_schedules(
    staff: Staff, schedule: MakeSchedule
) -> None:
    mine = schedule(crontab="5 5 5 5 *")
    assert staff("view_schedule").post(URL, given()).status_code == 200
    assert staff().post(URL, given()).status_code == 403
    assert Client().post(URL, given()).status_code == 302
    # Who may only add sees nothing of another's.
    answer = preview(staff("add_schedule"), schedule=mine.pk, crontab="")
    assert "5 5 5 5" not in answer["html"]


def test_preview_takes_a_post_with_a_token(staff: Staff) -> None:
    client = staff("view_schedule", enforce_csrf_checks=True)
    assert client.get(URL).status_code == 405
    assert client.post(URL, given()).status_code == 403


def test_id_of_no_schedule_is_none(boss: Client) -> None:
    for key in ("x", "999999", "1' OR 1=1"):
        assert len(times(preview(boss, schedule=key))) == 5


def test_saved_schedule_shows_its_runs_without_a_script(
    boss: Client, schedule: MakeSchedule
) -> None:
    page = boss.get(address("change", schedule(timezone="Asia/Tokyo")))
    assert "Monday through Friday (Asia/Tokyo)" in page.content.decode()
    assert len(_Times(page.content.decode()).found) >= 5
