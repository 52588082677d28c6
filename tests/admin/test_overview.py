"""The overview: what it shows, to whom, and what it costs."""

from __future__ import annotations

import re
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.html import escape

from django_bgtasks.compat import BaseTaskBackend
from django_bgtasks.models import Plan, Rollup
from django_bgtasks.results import public

from . import queue_scene as scene
from .queue_scene import FRAGMENT, page, text

EVERYTHING = ("view_queue", "view_process", "view_schedule")
INDEX = "/admin/django_bgtasks/"


def row_of(content: str, name: str) -> list[str]:
    """The cells of a table's row, by its head; without their tags."""
    (found,) = re.findall(
        rf'<th scope="row">(?:<a[^>]*>)?{re.escape(escape(name))}(?:</a>)?\s*</th>'
        r"(.*?)</tr>",
        content,
    )
    cells = re.findall(r"<td[^>]*>(.*?)</td>", found)
    return [" ".join(re.sub(r"<[^>]+>", " ", cell).split()) for cell in cells]


@pytest.fixture
def address(db):
    return page("queue_overview")


def test_queue_is_shown_with_its_depth_age_and_rates(boss, address):
    scene.ready(3, "mail", waited=timedelta(hours=2, minutes=5))
    scene.ready(1, "mail", rank=-5, waited=timedelta(minutes=1))
    scene.deferred(2, "mail")
    scene.running(scene.process(), queue="mail")
    scene.figures(timedelta(minutes=1), "mail", succeeded=590, failed=3, retried=7)
    cells = row_of(text(boss, address), "mail")
    assert cells[:2] == ["4", "2 h 5 min"]
    assert cells[2:4] == ["1", "2"]
    # Seven jobs in five minutes; 600 ends in the last five or six.
    assert cells[4] == "1.4/min"
    assert 1.6 <= float(cells[5].removesuffix("/s")) <= 2.0
    assert cells[6] == "3"


def test_deep_queue_is_counted_no_further_than_its_bound(boss, address, monkeypatch):
    monkeypatch.setattr("django_bgtasks.overview.summary.MOST_READY", 1_000)
    scene.ready(1_001, "mail")
    assert row_of(text(boss, address), "mail")[0] == "1,000+"


def test_quiet_and_configured_queues_are_shown(boss, address):
    content = text(boss, address)
    for name in ("default", "mail", "slow"):
        assert row_of(content, name)[:6] == ["0", "-", "0", "0", "-", "-"]


def test_processes_are_shown_with_what_they_run(boss, address):
    worker = scene.process("bee-1")
    scene.process("dead-2", silent=timedelta(minutes=5))
    scene.process("tick-3", kind="beat")
    scene.running(worker, "shop.tasks.slow", for_=timedelta(minutes=3, seconds=2))
    content = text(boss, address)
    assert row_of(content, "bee-1")[:3] == ["Worker", "Alive", "1 / 8"]
    assert row_of(content, "dead-2")[:2] == ["Worker", "Dead"]
    assert row_of(content, "tick-3")[:2] == ["Beat", "Alive"]
    (job,) = [cell for cell in row_of(content, "shop.tasks.slow") if "min" in cell]
    assert re.fullmatch(r"3 min [2-9]\.?\d* s", job)


def test_without_a_worker_it_says_how_to_start_one(boss, address):
    scene.process("dead", silent=timedelta(minutes=5))
    assert "No worker is alive. Start one with" in text(boss, address)


def test_schedules_are_shown_that_are_due_next(boss, address, schedule):
    for number in range(7):
        made = schedule(name=f"plan {number}")
        due = scene.now() + timedelta(hours=number - 1, minutes=1)
        Plan.objects.create(schedule=made, next_run_at=public(due))
    content = text(boss, address)
    assert row_of(content, "plan 0")[-1] == "Overdue"
    assert row_of(content, "plan 2")[-1].startswith("1 h")
    assert "plan 4" in content
    assert "plan 5" not in content


def points(content: str) -> dict[str, list[str]]:
    rows = re.findall(r'data-values="([^"]+)"><th scope="row">([^<]+)', content)
    return {label: values.split() for values, label in rows}


def test_hour_has_a_point_for_each_minute(boss, address):
    scene.figures(timedelta(minutes=5), succeeded=3, failed=1, wait_sum=2.0)
    scene.figures(timedelta(minutes=5), "mail", succeeded=1, wait_sum=8.0)
    found = points(text(boss, address))
    assert len(found) == 60
    label = (scene.now() - timedelta(minutes=5)).strftime("%H:%M")
    assert found[label] == ["4", "0", "0", "1", "2"]
    empty = [values for at, values in found.items() if at != label]
    assert empty == [["0", "0", "0", "0", "-"]] * 59


@pytest.mark.parametrize(("period", "number"), [("day", 144), ("week", 168)])
def test_longer_periods_add_rows_of_all_spans_up(boss, address, period, number):
    for span in Rollup.Span.values:
        scene.figures(timedelta(), span=span, succeeded=1, wait_sum=0.5)
    content = text(boss, f"{address}?period={period}")
    found = points(content)
    assert len(found) == number
    assert sum(int(values[0]) for values in found.values()) == len(Rollup.Span.values)
    assert f"Succeeded: {len(Rollup.Span.values)}. Failed: 0." in content


def test_chart_may_be_of_one_queue(boss, address):
    scene.figures(timedelta(minutes=2), "mail", succeeded=5)
    scene.figures(timedelta(minutes=2), "slow", succeeded=7)
    assert "Succeeded: 12." in text(boss, address)
    assert "Succeeded: 7." in text(boss, f"{address}?queue=slow")
    assert "Succeeded: 0." in text(boss, f"{address}?queue=no%00such")


@pytest.mark.parametrize("query", ["period=year", "period=%00", "back=//evil.example"])
def test_hand_typed_query_does_no_harm(boss, address, query):
    content = text(boss, f"{address}?{query}")
    assert len(points(content)) == 60
    assert "evil" not in content


def test_fragment_is_the_page_without_its_frame(boss, address):
    response = boss.get(address, **FRAGMENT)
    content = response.content.decode()
    assert 'id="bgtasks-queues"' in content
    assert "<html" not in content
    assert "data-bgtasks-live" not in content
    assert "no-store" in response["Cache-Control"]


def test_overview_is_on_top_of_the_apps_index(boss):
    content = text(boss, INDEX)
    assert content.index("data-bgtasks-live") < content.index('id="content-main"')
    assert 'name="back" value="index"' in content


def test_each_part_has_its_permission(staff, address):
    scene.process("bee-1")
    seen = {
        codename: text(staff(codename), address)
        for codename in ("view_queue", "view_process", "view_schedule")
    }
    parts = {"view_queue": "queues", "view_process": "workers", "view_schedule": "due"}
    for codename, content in seen.items():
        shown = {name for name in parts.values() if f'id="bgtasks-{name}"' in content}
        assert shown == {parts[codename]}
    assert staff("view_tick").get(address).status_code == 403
    assert "data-bgtasks-live" not in text(staff("add_schedule"), INDEX)


def test_who_is_not_signed_in_is_sent_to_do_so(client, address):
    assert client.get(address, **FRAGMENT).status_code == 302


def test_viewer_has_no_buttons(staff, address):
    scene.ready()
    content = text(staff(*EVERYTHING), address)
    assert '<form method="post"' not in content
    assert '<form method="post"' in text(staff(*EVERYTHING, "pause_queue"), address)


def test_what_users_made_is_escaped(boss, address, schedule):
    evil = "<script>alert(1)</script>"
    scene.ready(1, evil)
    scene.figures(timedelta(), evil, succeeded=1)
    worker = scene.process(evil, queues=[evil])
    scene.running(worker, evil)
    made = schedule(name=evil, task_path=evil)
    Plan.objects.create(schedule=made, next_run_at=public(scene.now()))
    for address_ in (address, page("queue_changelist"), page("process_changelist")):
        content = text(boss, address_)
        assert evil not in content
        assert escape(evil) in content


def test_number_of_statements_is_the_same_for_few_and_for_many(boss, address):
    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            text(boss, address)
        return len(queries)

    scene.ready(1, "default")
    owner = scene.process("first")
    scene.running(owner)
    few = count()
    for number in range(30):
        scene.ready(5, f"queue {number}", rank=0)
        scene.figures(timedelta(minutes=number), f"queue {number}", succeeded=1)
        scene.running(scene.process(f"worker {number}"))
    many = count()
    if connection.vendor == "mysql":
        # A statement for each queue that has jobs.
        assert many <= few + 31
    else:
        assert many == few
        assert many < 20


def test_numbers_lead_to_the_jobs_for_who_may_see_those(staff, boss, address):
    scene.ready(2, "a&b")
    link = "/admin/django_bgtasks/job/?state=ready&amp;queue=a%26b"
    assert f'<a href="{link}">2</a>' in text(boss, address)
    assert boss.get(link.replace("&amp;", "&")).status_code == 200
    assert "/job/?state" not in text(staff(*EVERYTHING), address)


def test_without_a_backend_of_ours_it_says_so(boss, address, settings):
    framework = BaseTaskBackend.__module__.removesuffix(".backends.base")
    settings.TASKS = {
        "default": {"BACKEND": f"{framework}.backends.dummy.DummyBackend"}
    }
    assert "No backend of django_bgtasks" in text(boss, address)
    assert "There is no queue yet" in text(boss, page("queue_changelist"))
    assert "No process is alive" in text(boss, page("process_changelist"))


@pytest.mark.parametrize("use_tz", [True, False])
def test_moments_are_shown_in_the_sites_zone(boss, address, settings, schedule, use_tz):
    settings.USE_TZ, settings.TIME_ZONE = use_tz, "Asia/Kolkata"
    scene.figures(timedelta(minutes=3), succeeded=4, span=0)
    scene.ready(1, "mail", waited=timedelta(minutes=7))
    Plan.objects.create(
        schedule=schedule(name="plan"),
        next_run_at=public(scene.now() + timedelta(hours=2, minutes=1)),
    )
    content = text(boss, address)
    shown = scene.now().astimezone(ZoneInfo("Asia/Kolkata"))
    label = f"{shown - timedelta(minutes=3):%H:%M}"
    assert points(content)[label][0] == "4"
    assert row_of(content, "mail")[1].startswith("7 min")
    assert row_of(content, "plan")[-1].startswith("2 h")
    assert f"As of {shown:%H:}" in content
