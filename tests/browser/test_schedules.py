"""Schedules in a real browser, down to the job that one of them runs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone

from django_bgtasks.admin.preview import next_runs
from django_bgtasks.models import (
    TIMING_FIELDS,
    FinishedJob,
    Job,
    Plan,
    Process,
    Schedule,
    Tick,
)
from tests.testapp.models import Effect
from tests.waiting import eventually

from .visit import Visit

LIST = "/admin/django_bgtasks/schedule/"
RECORD = "tests.testapp.tasks.record"


def change(schedule: Schedule) -> str:
    return f"{LIST}{schedule.pk}/change/"


def make(name: str = "Report", **values: Any) -> Schedule:
    given = {
        "task_path": RECORD,
        "args": ["weekly figures"],
        "crontab": "30 7 * * mon-fri",
        "timezone": "Europe/Berlin",
        **values,
    }
    return Schedule.objects.create(name=name, **given)


@pytest.mark.every_database
@pytest.mark.only_on("sqlite", "postgresql")
def test_schedule_made_in_the_admin_runs_its_job(
    as_admin: Visit, run_manage: Callable[..., Any]
) -> None:
    as_admin.open(f"{LIST}add/")
    as_admin.fill("#id_name", "Figures")
    as_admin.choose("#id_kind", "interval")
    as_admin.fill("#id_every", "2s")
    as_admin.wait_for_text(".bgtasks-preview", "every 2 seconds")
    assert len(as_admin.all(".bgtasks-preview tbody tr")) == 5
    as_admin.choose("#id_task_path", RECORD)
    as_admin.wait_for_text(".bgtasks-about", "record(key: str)")
    as_admin.fill("#id_args", '["from the admin')
    as_admin.wait_for_text(".field-args .bgtasks-verdict", "Valid JSON")
    as_admin.leave_by("[name=_continue]")
    assert "was added successfully" in as_admin.text(".messagelist")
    schedule = Schedule.objects.get()
    assert schedule.args == ["from the admin"]

    beat, worker = run_manage("runbeat"), run_manage("runworker")
    eventually(
        lambda: Effect.objects.filter(key="from the admin").exists(), "the job to run"
    )
    as_admin.open(f"{LIST}{schedule.pk}/ticks/")
    eventually(lambda: _is_told_of(as_admin), "the history to tell of the job")
    assert "Enqueued" in as_admin.text(".bgtasks-ticks tbody tr:last-child")
    as_admin.open(LIST)
    assert not as_admin.all(".bgtasks-note"), "A beat is there."
    assert as_admin.text(".field-last_run") != "-"

    as_admin.leave_by("button.bgtasks-switch")
    assert "is disabled" in as_admin.text(".messagelist")
    assert beat.stop() == 0
    assert worker.stop() == 0


def _is_told_of(someone: Visit) -> bool:
    someone.driver.refresh()
    return any(
        "Succeeded" in row.text for row in someone.all(".bgtasks-ticks tbody tr")
    )


def test_fields_of_the_kind_are_shown(as_admin: Visit) -> None:
    as_admin.open(f"{LIST}add/")
    fields = {
        "crontab": ["crontab"],
        "interval": ["every", "anchor_at"],
        "clocked": ["clocked_at"],
        "solar": ["solar_event", "latitude", "longitude"],
    }
    for kind, shown in fields.items():
        as_admin.choose("#id_kind", kind)
        for names in fields.values():
            for name in names:
                (row,) = as_admin.all(f".field-{name}")
                assert row.is_displayed() == (name in shown), (kind, name)


def test_form_works_without_scripts(as_admin: Visit) -> None:
    as_admin.run_scripts(False)
    try:
        as_admin.open(f"{LIST}add/")
        for name in ("crontab", "every", "clocked_at", "solar_event", "start_at"):
            assert as_admin.find(f".form-row.field-{name}")
        as_admin.fill("#id_name", "By hand")
        as_admin.fill("#id_crontab", "@daily")
        as_admin.choose("#id_task_path", RECORD)
        as_admin.fill("#id_args", '["a"]')
        as_admin.click("[name=_continue]")
        as_admin.wait_for_text(".messagelist", "was added successfully")
        assert len(as_admin.all(".bgtasks-preview tbody tr")) == 5
        assert "record(key: str)" in as_admin.text(".bgtasks-about")
    finally:
        as_admin.run_scripts(True)


def test_preview_follows_what_one_types(as_admin: Visit) -> None:
    as_admin.emulate(timezone="Asia/Dubai")
    as_admin.open(f"{LIST}add/")
    as_admin.wait_for_text(".bgtasks-preview", "No runs yet")
    assert not as_admin.all(".bgtasks-live"), "Nobody has been at a field yet."

    as_admin.fill("#id_crontab", "0 0 30 2 *")
    as_admin.wait_for_text(".field-crontab .errorlist", "never due")
    crontab = as_admin.find("#id_crontab")
    assert crontab.get_attribute("aria-invalid") == "true"

    as_admin.fill("#id_crontab", "0 12 1 7 *")
    as_admin.fill("#id_timezone", "Europe/Berlin")
    as_admin.wait_for_text(".bgtasks-preview", "12:00:00 CEST")
    as_admin.gone(".field-crontab .errorlist")
    assert crontab.get_attribute("aria-invalid") is None
    preview = as_admin.text(".bgtasks-preview")
    assert "Europe/Berlin" in preview.replace("EUROPE/BERLIN", "Europe/Berlin")
    assert "Asia/Dubai" in preview.replace("ASIA/DUBAI", "Asia/Dubai")
    assert "14:00:00" in preview

    as_admin.fill("#id_timezone", "Europe/Berlim")
    as_admin.wait_for_text(".field-timezone .errorlist", "Did you mean")
    assert not Schedule.objects.exists()


def test_moments_of_the_form_are_those_of_the_zone(as_admin: Visit) -> None:
    schedule = make(timezone="Asia/Tokyo")
    as_admin.open(change(schedule))
    as_admin.put("#id_start_at_0", "2031-07-01")
    as_admin.put("#id_start_at_1", "09:00:00")
    as_admin.wait_for_text(".bgtasks-preview", "Wed 2 July 2031, 07:30:00 JST")
    as_admin.leave_by("[name=_continue]")
    schedule.refresh_from_db()
    assert schedule.start_at == datetime(2031, 7, 1, tzinfo=UTC)


def test_editor_helps_with_json(as_admin: Visit) -> None:
    as_admin.open(f"{LIST}add/")
    area = as_admin.find("#id_kwargs")
    area.send_keys('{"a')
    assert area.get_property("value") == '{"a"}'
    area.send_keys('": [')
    assert area.get_property("value") == '{"a": []}'
    as_admin.wait_for_text(".field-kwargs .bgtasks-verdict", "Valid JSON")
    area.clear()
    area.send_keys("{", "\n", "x")
    assert area.get_property("value") == "{\n  x\n}"
    as_admin.wait_for_text(".field-kwargs .bgtasks-verdict", "JSON at position")
    # The keyboard leaves the editor as it leaves any field.
    area.send_keys("\t")
    assert as_admin.script("return document.activeElement.textContent") == "Indent"

    as_admin.put("#id_args", '[12345678901234567890, {"a":[],"b c":1.50}]')
    as_admin.click(".field-args .bgtasks-tidy")
    text = as_admin.find("#id_args").get_property("value")
    assert text == (
        '[\n  12345678901234567890,\n  {\n    "a": [],\n    "b c": 1.50\n  }\n]'
    )
    as_admin.put("#id_args", '{"a": 1}')
    as_admin.wait_for_text(".field-args .bgtasks-verdict", "A list is needed")


def test_list_is_used_by_keyboard(as_admin: Visit) -> None:
    schedule = make()
    as_admin.open(LIST)
    switch = as_admin.find("button.bgtasks-switch")
    assert switch.accessible_name == "Enabled: Report"
    assert switch.aria_role == "switch"
    as_admin.script("arguments[0].focus()", switch)
    as_admin.script("window.isPageBefore = true")
    as_admin.press("SPACE")
    as_admin.wait_for_text(".messagelist", "“Report” is disabled.")
    schedule.refresh_from_db()
    assert not schedule.enabled


def test_schedule_is_run_and_duplicated_by_buttons(as_admin: Visit) -> None:
    schedule = make(args=["by a button"])
    as_admin.open(change(schedule))
    as_admin.leave_by(".object-tools form[action$='/run/'] button")
    assert "“Report” was enqueued" in as_admin.text(".messagelist")
    assert "by hand" in as_admin.text(".field-latest")
    as_admin.leave_by(".object-tools form[action$='/duplicate/'] button")
    assert as_admin.find("#id_name").get_property("value") == "Report (copy)"


def test_deed_asks_before_it_loses_what_is_not_saved(as_admin: Visit) -> None:
    schedule = make()
    as_admin.open(change(schedule))
    as_admin.fill("#id_description", "Not saved yet.")
    as_admin.click(".object-tools form[action$='/run/'] button")
    question = as_admin.driver.switch_to.alert
    assert "not saved" in question.text
    question.dismiss()
    assert as_admin.find("#id_description").get_property("value") == "Not saved yet."
    assert not Tick.objects.exists()


def test_error_that_was_sent_back_stays_until_it_is_put_right(as_admin: Visit) -> None:
    as_admin.open(f"{LIST}add/")
    as_admin.leave_by("[name=_save]")
    as_admin.wait_for_text(".bgtasks-preview", "No runs yet")
    assert "Write a crontab" in as_admin.text(".field-crontab .errorlist")
    as_admin.fill("#id_crontab", "@daily")
    as_admin.gone(".field-crontab .errorlist")
    # What is not about the timing waits for the next time that the form is sent.
    assert "required" in as_admin.text(".field-name .errorlist")


def test_everything_that_can_be_used_has_a_name(as_admin: Visit) -> None:
    schedule = make(kind="interval", every=timedelta(minutes=5))
    for page in (LIST, change(schedule)):
        as_admin.open(page)
        usable = as_admin.all(
            "#content input:not([type=hidden]), #content select, #content textarea,"
            "#content button, #content a"
        )
        nameless = [
            each.get_attribute("outerHTML")
            for each in usable
            if each.is_displayed() and not each.accessible_name
        ]
        assert nameless == []
    start = as_admin.find("#id_start_at_0")
    assert start.accessible_name == "Start: date"


def test_html_in_a_schedule_runs_nowhere(as_admin: Visit) -> None:
    hostile = "<img src=x onerror='window.taken = 1'>"
    schedule = make(
        hostile, description=hostile, args=[hostile], metadata={"a": hostile}
    )
    for page in (LIST, change(schedule), f"{LIST}{schedule.pk}/ticks/"):
        as_admin.open(page)
        assert hostile in as_admin.text("body") or as_admin.all(f'[value="{hostile}"]')
        assert not as_admin.all("img[src=x]")
    as_admin.open(change(schedule))
    as_admin.put("#id_crontab", hostile)
    as_admin.wait_for_text(".field-crontab .errorlist", "<img")
    assert not as_admin.all("img[src=x]")
    assert as_admin.script("return window.taken") is None


def finished_job() -> UUID:
    now = timezone.now()
    job = Job.objects.create(
        task_path=RECORD,
        backend="default",
        queue_name="default",
        args=["weekly figures"],
        kwargs={},
        enqueued_at=now,
    )
    FinishedJob.objects.create(
        job=job, outcome="succeeded", attempt=1, started_at=now, finished_at=now
    )
    return job.pk  # type: ignore[no-any-return]


def scene() -> Schedule:
    """Schedules as a club may have them."""
    make("Weekly newsletter", crontab="0 9 * * mon", task_path=RECORD)
    make("Nightly cleanup", crontab="0 3 * * *", origin="code", timezone="UTC")
    Process.objects.create(
        kind="beat",
        name="web-1:4242",
        host="web-1",
        pid=4242,
        started_at=timezone.now(),
        heartbeat_at=timezone.now(),
    )
    make("Refresh the ranking", kind="interval", every=timedelta(minutes=5))
    gone = make("Old import", enabled=False)
    Schedule.objects.filter(pk=gone.pk).update(task_path="club.tasks.import_old")
    report = make("End-of-day report", crontab="0 18 * * mon-fri")
    last = timezone.now().replace(hour=17, minute=0, second=0, microsecond=0)
    for days, outcome, detail in (
        (4, "enqueued", ""),
        (3, "missed", "Due moments missed from this one on: 1."),
        (2, "enqueued", ""),
        (1, "overlapped", ""),
    ):
        due = last - timedelta(days=days)
        job = finished_job() if outcome == "enqueued" else None
        Tick.objects.create(
            schedule=report,
            due_at=due,
            ticked_at=due,
            outcome=outcome,
            detail=detail,
            job_id=job,
        )
    timing = {name: getattr(report, name) for name in TIMING_FIELDS}
    Plan.objects.create(
        schedule=report,
        planned_at=timezone.now(),
        next_run_at=next_runs(report, 1)[0],
        last_run_at=last - timedelta(days=2),
        last_job_id=finished_job(),
        run_count=2,
        **timing,
    )
    return report


def test_pages_fit_a_desk_and_a_phone(as_admin: Visit) -> None:
    report = scene()
    as_admin.resize(1640, 760)
    as_admin.open(LIST)
    assert len(as_admin.all("#result_list tbody tr")) == 5
    as_admin.screenshot("schedules-list", "#content")
    as_admin.resize(1280, 900)
    as_admin.open(change(report))
    as_admin.find(".bgtasks-preview table")
    as_admin.resize(1280, 2000)
    as_admin.screenshot("schedules-when", "fieldset:has(#id_crontab)")
    as_admin.screenshot("schedules-what", "fieldset:has(#id_args)")
    as_admin.open(f"{LIST}{report.pk}/ticks/")
    as_admin.resize(1280, 600)
    as_admin.screenshot("schedules-runs", "#content")
    as_admin.emulate(dark=True)
    as_admin.phone()
    for name, page in (
        ("list", LIST),
        ("form", change(report)),
        ("runs", f"{LIST}{report.pk}/ticks/"),
    ):
        as_admin.open(page)
        assert not as_admin.is_wider_than_the_screen(), page
        as_admin.screenshot(f"schedules-{name}-phone")
