from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from django_bgtasks.ids import uuid7
from django_bgtasks.models import (
    TIMING_FIELDS,
    FinishedJob,
    Job,
    Plan,
    Process,
    Schedule,
)

from .conftest import MakeSchedule, Staff
from .schedules import address, logged, said, shown

LIST = "/admin/django_bgtasks/schedule/"


def planned(schedule: Schedule, **state: Any) -> Plan:
    """Give a schedule the plan that a beat would have made."""
    timing = {name: getattr(schedule, name) for name in TIMING_FIELDS}
    return Plan.objects.create(
        schedule=schedule, planned_at=timezone.now(), **timing, **state
    )


def finished(outcome: str) -> Job:
    job = Job.objects.create(
        task_path="tests.testapp.tasks.record",
        backend="default",
        queue_name="default",
        args=[],
        kwargs={},
        enqueued_at=timezone.now(),
    )
    FinishedJob.objects.create(
        job=job, outcome=outcome, attempt=1, finished_at=timezone.now()
    )
    return job


def test_row_tells_all_about_a_schedule(boss: Client, schedule: MakeSchedule) -> None:
    mine = schedule(name="Report", timezone="Europe/Berlin")
    job = finished("failed")
    planned(
        mine,
        next_run_at=timezone.now() + timedelta(hours=3, minutes=1),
        last_run_at=timezone.now() - timedelta(days=2, minutes=1),
        last_job_id=job.pk,
    )
    page = boss.get(LIST)
    text = shown(page)
    assert "At 07:30, Monday through Friday (Europe/Berlin)" in text
    assert "30 7 * * mon-fri" in text
    assert "in 3 hours" in text.replace("\xa0", " ")
    assert "2 days ago" in text.replace("\xa0", " ")
    assert "Failed" in text
    assert "By hand" in text
    assert 'role="switch" aria-checked="true"' in page.content.decode()


def test_last_job_leads_to_its_page(boss: Client, schedule: MakeSchedule) -> None:
    from django.urls import NoReverseMatch, reverse

    job = finished("succeeded")
    planned(schedule(), last_job_id=job.pk)
    try:
        url = reverse("admin:django_bgtasks_job_change", args=[job.pk])
    except NoReverseMatch:
        pytest.skip("The site has no pages of jobs.")
    assert f'href="{url}"' in boss.get(LIST).content.decode()


def test_last_job_that_was_pruned_is_said_to_be(
    boss: Client, schedule: MakeSchedule
) -> None:
    planned(schedule(), last_job_id=uuid7())
    assert "Pruned" in shown(boss.get(LIST))


def test_next_run_of_an_edited_timing_is_not_the_planned_one(
    boss: Client, schedule: MakeSchedule
) -> None:
    mine = schedule(crontab="0 0 1 1 *")
    planned(mine, next_run_at=datetime(2031, 5, 5, 12, tzinfo=UTC))
    assert "5 May 2031" in shown(boss.get(LIST))
    Schedule.objects.update(crontab="0 0 2 2 *")
    text = shown(boss.get(LIST))
    assert "2031" not in text
    assert "2 Feb" in text


def test_disabled_schedule_has_no_next_run(
    boss: Client, schedule: MakeSchedule
) -> None:
    mine = schedule(enabled=False)
    planned(mine, next_run_at=datetime(2031, 5, 5, 12, tzinfo=UTC))
    assert "2031" not in shown(boss.get(LIST))


def test_error_of_the_beat_is_shown(boss: Client, schedule: MakeSchedule) -> None:
    planned(schedule(), error="It is never due.")
    assert "It is never due." in shown(boss.get(LIST))


def test_number_of_statements_does_not_grow_with_the_rows(
    boss: Client, schedule: MakeSchedule
) -> None:
    def count() -> int:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert boss.get(LIST).status_code == 200
        return len(queries)

    for _ in range(2):
        planned(schedule(), last_job_id=finished("succeeded").pk)
    few = count()
    for number in range(20):
        mine = schedule(queue_name=f"queue {number}", origin="code")
        planned(mine, last_job_id=finished("failed").pk)
    assert count() == few
    assert few <= 14


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("enabled__exact=0", {"off"}),
        ("kind__exact=interval", {"interval"}),
        ("origin__exact=code", {"code"}),
        ("task_path=tests.testapp.tasks.fail", {"fails"}),
        ("queue=mail", {"mail"}),
        ("queue=-", {"off", "interval", "code", "fails"}),
        ("q=fails", {"fails"}),
        ("q=testapp.tasks.fail", {"fails"}),
    ],
)
def test_list_is_filtered_and_searched(
    boss: Client, schedule: MakeSchedule, query: str, found: set[str]
) -> None:
    schedule(name="off", enabled=False)
    schedule(name="interval", kind="interval", every=timedelta(minutes=5))
    schedule(name="code", origin="code")
    schedule(name="fails", task_path="tests.testapp.tasks.fail")
    schedule(name="mail", queue_name="mail")
    page = boss.get(f"{LIST}?{query}")
    assert page.status_code == 200
    assert {each.name for each in page.context["cl"].result_list} == found


@pytest.mark.parametrize(
    "query",
    [
        "kwargs__icontains=hunter2",
        "kwargs__password__startswith=h",
        "args__contains=1",
        "name__regex=%5B",
        "task_path=%00",
        "kind__exact=%00",
        "nothing=1",
    ],
)
def test_filter_that_is_not_offered_finds_nothing_out(
    boss: Client, schedule: MakeSchedule, query: str
) -> None:
    secret = {"name": "ada", "password": "hunter2"}
    schedule(task_path="tests.admin.job_tasks.log_in", args=[], kwargs=secret)
    page = boss.get(f"{LIST}?{query}")
    # As Django's admin answers to what is no filter.
    assert (page.status_code, page["Location"]) == (302, f"{LIST}?e=1")


NONSENSE: list[dict[str, Any]] = [
    {"kind": "weekly"},
    {"crontab": "61 * * * *"},
    {"crontab": ""},
    {"timezone": "Mars/Olympus"},
    {"timezone": "../../etc/passwd"},
    {"timezone": ""},
    {"kind": "interval", "every": None},
    {"kind": "interval", "every": timedelta()},
    {"kind": "interval", "every": timedelta(days=-1)},
    {"kind": "interval", "every": timedelta(days=40_000)},
    {"kind": "clocked", "clocked_at": None},
    {"kind": "clocked", "clocked_at": datetime(1, 1, 2, tzinfo=UTC)},
    {"kind": "clocked", "clocked_at": datetime(9999, 12, 30, tzinfo=UTC)},
    {"kind": "solar", "solar_event": "moonrise", "latitude": 1, "longitude": 1},
    {"kind": "solar", "solar_event": "sunset", "latitude": 999, "longitude": 999},
    {"kind": "solar", "solar_event": "sunset"},
    {"start_at": datetime(9999, 12, 30, tzinfo=UTC)},
    {
        "start_at": datetime(2030, 1, 1, tzinfo=UTC),
        "end_at": datetime(2020, 1, 1, tzinfo=UTC),
    },
    {"task_path": "no.such.task"},
    {"task_path": ""},
    {"task_path": "os.system"},
    {"args": {"an": "object"}},
    {"args": "text"},
    {"kwargs": [1]},
    {"metadata": 5},
    {"backend": "nowhere"},
    {"queue_name": "no such queue"},
    {"priority": 9999},
    {"missed": "perhaps"},
    {"overlap": "perhaps"},
    {"expires": timedelta(days=-3)},
    {"grace": timedelta()},
    {"origin": "elsewhere"},
]


@pytest.mark.once
@pytest.mark.parametrize("values", NONSENSE, ids=str)
def test_row_of_nonsense_is_shown_like_any_other(
    boss: Client, schedule: MakeSchedule, values: dict[str, Any]
) -> None:
    mine = schedule()
    Schedule.objects.filter(pk=mine.pk).update(**values)
    mine.refresh_from_db()
    planned(mine, last_run_at=timezone.now(), next_run_at=timezone.now())
    assert mine.name in shown(boss.get(LIST))


def test_json_that_is_none_is_shown(boss: Client, schedule: MakeSchedule) -> None:
    mine = schedule()
    table = Schedule._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {table} SET args = %s, kwargs = %s", ["[1,", "NaN"])
    assert mine.name in shown(boss.get(LIST))
    page = boss.get(address("change", mine))
    assert "[1," in shown(page)


HOSTILE = '"><script>alert(1)</script><b>bold</b>'


def test_html_in_a_schedule_stays_text(boss: Client, schedule: MakeSchedule) -> None:
    mine = schedule(
        name=HOSTILE,
        description=HOSTILE,
        task_path=HOSTILE,
        args=[HOSTILE],
        kwargs={HOSTILE: HOSTILE},
        metadata={HOSTILE: HOSTILE},
        crontab=HOSTILE,
        timezone=HOSTILE[:60],
        queue_name=HOSTILE,
        backend=HOSTILE,
    )
    planned(mine, error=HOSTILE, last_job_id=uuid7())
    mine.ticks.create(
        due_at=timezone.now(),
        ticked_at=timezone.now(),
        outcome="refused",
        detail=HOSTILE,
    )
    pages = [LIST, address("change", mine), address("ticks", mine)]
    pages += [address("delete", mine), address("history", mine)]
    for url in pages:
        page = boss.get(url).content.decode()
        assert "<script>alert" not in page, url
        assert "<b>bold" not in page, url
        assert "&lt;b&gt;bold" in page, url
    for deed in ("toggle", "run", "duplicate", "restore"):
        page = boss.post(address(deed, mine), {"enabled": "1"}, follow=True)
        assert "<script>alert" not in page.content.decode(), deed


def test_list_warns_where_no_beat_runs(boss: Client, schedule: MakeSchedule) -> None:
    schedule()
    assert "No beat is running" in shown(boss.get(LIST))
    beat = Process.objects.create(
        kind="beat",
        name="beat",
        host="here",
        pid=1,
        started_at=timezone.now(),
        heartbeat_at=timezone.now(),
    )
    assert "No beat is running" not in shown(boss.get(LIST))
    Process.objects.filter(pk=beat.pk).update(
        heartbeat_at=timezone.now() - timedelta(minutes=5)
    )
    assert "No beat is running" in shown(boss.get(LIST))


# The switch.


def test_switch_disables_and_enables(boss: Client, schedule: MakeSchedule) -> None:
    mine = schedule(name="Report")
    page = boss.post(address("toggle", mine), {"enabled": "0"}, follow=True)
    assert "“Report” is disabled." in said(page)
    assert not Schedule.objects.get().enabled
    boss.post(address("toggle", mine), {"enabled": "1"})
    assert Schedule.objects.get().enabled
    assert logged() == ["Report: Disabled.", "Report: Enabled."]


def test_switch_says_what_it_wants_so_that_two_people_do_not_undo_each_other(
    boss: Client, schedule: MakeSchedule
) -> None:
    mine = schedule()
    for _ in range(2):
        boss.post(address("toggle", mine), {"enabled": "0"})
    assert not Schedule.objects.get().enabled
    assert len(logged()) == 1


def test_switch_leads_back_to_the_same_list(
    boss: Client, schedule: MakeSchedule
) -> None:
    mine = schedule()
    page = boss.get(f"{LIST}?kind__exact=crontab&q=schedule").content.decode()
    assert "_changelist_filters=kind__exact%3Dcrontab%26q%3Dschedule" in page
    url = f"{address('toggle', mine)}?_changelist_filters=kind__exact%3Dcrontab"
    back = boss.post(url, {"enabled": "0"})
    assert back.headers["Location"] == f"{LIST}?kind__exact=crontab"


def test_broken_schedule_can_be_disabled_but_not_enabled(
    boss: Client, schedule: MakeSchedule
) -> None:
    mine = schedule(task_path="tests.testapp.tasks.gone")
    page = boss.post(address("toggle", mine), {"enabled": "0"}, follow=True)
    assert "is disabled" in said(page)
    page = boss.post(address("toggle", mine), {"enabled": "1"}, follow=True)
    assert "Task: 'tests.testapp.tasks.gone' names no task" in said(page)
    assert not Schedule.objects.get().enabled


def test_schedule_whose_declaration_is_gone_cannot_be_enabled(
    boss: Client, schedule: MakeSchedule
) -> None:
    mine = schedule(origin="code", enabled=False, undeclared_at=timezone.now())
    page = boss.post(address("toggle", mine), {"enabled": "1"}, follow=True)
    assert "Its declaration is gone" in said(page)
    assert not Schedule.objects.get().enabled


def test_switch_of_a_deleted_schedule_says_so(
    boss: Client, schedule: MakeSchedule
) -> None:
    mine = schedule()
    url = address("toggle", mine)
    mine.delete()
    assert "Perhaps it was deleted" in said(boss.post(url, {}, follow=True))


def test_switch_needs_the_permission_to_change(
    staff: Staff, schedule: MakeSchedule
) -> None:
    mine = schedule()
    viewer = staff("view_schedule")
    page = viewer.get(LIST).content.decode()
    assert "/toggle/" not in page
    assert 'aria-disabled="true"' in page
    assert viewer.post(address("toggle", mine), {"enabled": "0"}).status_code == 403
    assert Schedule.objects.get().enabled
    assert staff("change_schedule").post(address("toggle", mine)).status_code == 302


@pytest.mark.parametrize("deed", ["toggle", "run", "duplicate", "restore"])
def test_deed_takes_a_post_with_a_token(
    staff: Staff, schedule: MakeSchedule, deed: str
) -> None:
    mine = schedule()
    everything = ("view", "add", "change", "run")
    codenames = [f"{each}_schedule" for each in everything]
    client = staff(*codenames, enforce_csrf_checks=True)
    assert client.get(address(deed, mine)).status_code == 405
    assert client.post(address(deed, mine), {"enabled": "0"}).status_code == 403
    assert Schedule.objects.get().enabled
