from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from django_bgtasks.models import Plan, Schedule
from django_bgtasks.results import public

from .conftest import MakeSchedule, Staff
from .schedules import address, errors, fields_of, given, logged, said, shown
from .test_schedule_list import NONSENSE, planned

ADD = "/admin/django_bgtasks/schedule/add/"
AHEAD = datetime(2031, 7, 1, 10, 30, tzinfo=UTC)


def save(client: Client, schedule: Schedule, **values: Any) -> Any:
    """Send the form of a schedule with some fields changed, and those alone."""
    sent = fields_of(client, address("change", schedule))
    for name, value in values.items():
        sent.pop(name, None)
        if value is not None:
            sent[name] = value
    return client.post(address("change", schedule), sent)


def test_crontab_is_added(boss: Client) -> None:
    page = boss.post(ADD, given(), follow=True)
    assert "was added successfully" in said(page)
    mine = Schedule.objects.get()
    assert (mine.name, mine.crontab) == ("mine", "30 7 * * mon-fri")
    assert (mine.timezone, mine.task_path) == (
        "Europe/Berlin",
        "tests.testapp.tasks.record",
    )
    assert (mine.args, mine.kwargs, mine.metadata) == (["key"], {}, None)
    assert (mine.origin, mine.enabled) == ("admin", True)
    assert logged() == ["mine: Added."]


def test_interval_is_added(boss: Client) -> None:
    boss.post(ADD, given(kind="interval", every="1h 30m", crontab=""))
    assert Schedule.objects.get().every == timedelta(minutes=90)


def test_one_off_is_added_in_its_own_zone(boss: Client) -> None:
    sent = given(kind="clocked", clocked_at_0="2031-12-24", clocked_at_1="18:00")
    boss.post(ADD, sent)
    at = datetime(2031, 12, 24, 18, tzinfo=ZoneInfo("Europe/Berlin"))
    assert Schedule.objects.get().clocked_at == public(at)


def test_solar_event_is_added(boss: Client) -> None:
    pytest.importorskip("astral")
    sent = given(kind="solar", solar_event="sunset", latitude="52.5", longitude="13.4")
    assert boss.post(ADD, sent).status_code == 302
    mine = Schedule.objects.get()
    assert (mine.latitude, mine.longitude) == (Decimal("52.5"), Decimal("13.4"))


def test_all_policies_are_saved(boss: Client) -> None:
    sent = given(
        queue_name="mail",
        priority="-5",
        expires="2d",
        jitter="30s",
        missed="run_all",
        grace="00:15:00",
        overlap="queue_one",
        args="",
        kwargs='{"key": "a"}',
        metadata='{"why": [1, 2.5, null]}',
        description="For the board.",
        enabled=None,
    )
    assert boss.post(ADD, sent).status_code == 302
    mine = Schedule.objects.get()
    assert (mine.queue_name, mine.priority) == ("mail", -5)
    assert (mine.expires, mine.jitter) == (timedelta(days=2), timedelta(seconds=30))
    assert (mine.missed, mine.overlap) == ("run_all", "queue_one")
    assert mine.grace == timedelta(minutes=15)
    assert (mine.args, mine.kwargs) == ([], {"key": "a"})
    assert mine.metadata == {"why": [1, 2.5, None]}
    assert not mine.enabled


BAD: list[tuple[dict[str, Any], str, str]] = [
    ({"name": ""}, "name", "required"),
    ({"name": "   "}, "name", "required"),
    ({"crontab": ""}, "crontab", "Write a crontab"),
    ({"crontab": "61 * * * *"}, "crontab", "61"),
    ({"crontab": "a b c d e"}, "crontab", ""),
    ({"crontab": "0 0 30 2 *"}, "crontab", "never due"),
    ({"timezone": "Europe/Berlim"}, "timezone", "Europe/Berlin"),
    ({"timezone": "../../etc/passwd"}, "timezone", "no time zone"),
    ({"kind": "weekly"}, "kind", "not one of"),
    ({"kind": "interval"}, "every", "between two runs"),
    ({"kind": "interval", "every": "0s"}, "every", "one second or more"),
    ({"kind": "interval", "every": "40000d"}, "every", "days or less"),
    ({"kind": "interval", "every": "soon"}, "every", "1h 30m"),
    ({"kind": "interval", "every": "5"}, "every", "units"),
    ({"kind": "clocked"}, "clocked_at", "date and the time"),
    (
        {"kind": "clocked", "clocked_at_0": "2020-01-01", "clocked_at_1": "10:00"},
        "clocked_at",
        "has passed",
    ),
    (
        {"kind": "clocked", "clocked_at_0": "2031-13-40", "clocked_at_1": "10:00"},
        "clocked_at",
        "valid date",
    ),
    ({"kind": "clocked", "clocked_at_0": "2031-01-01"}, "clocked_at", "valid time"),
    (
        {"kind": "clocked", "clocked_at_0": "2031-03-30", "clocked_at_1": "02:30"},
        "clocked_at",
        "skip this time",
    ),
    (
        {"kind": "clocked", "clocked_at_0": "9999-12-31", "clocked_at_1": "23:59"},
        "clocked_at",
        "year",
    ),
    ({"kind": "solar", "latitude": "1", "longitude": "1"}, "solar_event", "Choose"),
    (
        {
            "kind": "solar",
            "solar_event": "sunset",
            "latitude": "91",
            "longitude": "181",
        },
        "latitude",
        "-90",
    ),
    (
        {
            "start_at_0": "2031-01-02",
            "start_at_1": "10:00",
            "end_at_0": "2031-01-01",
            "end_at_1": "10:00",
        },
        "end_at",
        "after the start",
    ),
    ({"end_at_0": "2020-01-01", "end_at_1": "10:00"}, "end_at", "has passed"),
    ({"task_path": ""}, "task_path", "Choose the task"),
    ({"task_path": "os.system"}, "task_path", "not one of"),
    ({"task_path": "tests.testapp.tasks.gone"}, "task_path", "not one of"),
    ({"args": "[1,"}, "args", "Line 1, column"),
    ({"args": '{"a": 1}'}, "args", "Give a list"),
    ({"args": "[NaN]"}, "args", "NaN"),
    ({"args": '["\\u0000"]'}, "args", "NUL"),
    ({"args": "[" * 100_000}, "args", "no JSON"),
    ({"args": "[" + "9" * 5000 + "]"}, "args", ""),
    ({"args": "[]"}, "args", "“key”"),
    ({"args": '["a", "b"]'}, "args", "1 positional argument"),
    ({"kwargs": "[]"}, "kwargs", "Give an object"),
    ({"kwargs": '{"kee": 1}'}, "kwargs", "kee"),
    ({"args": "", "kwargs": '{"a": 1, "a": 2}'}, "kwargs", "twice"),
    ({"metadata": "5"}, "metadata", "Give an object"),
    ({"backend": "nowhere"}, "backend", "not one of"),
    ({"queue_name": "no such"}, "queue_name", "no such"),
    ({"priority": "101"}, "priority", "-100 to 100"),
    ({"priority": "99999"}, "priority", ""),
    ({"priority": "high"}, "priority", "whole number"),
    ({"expires": "0s"}, "expires", "more than zero"),
    ({"expires": "-5m"}, "expires", "no length of time"),
    ({"jitter": "40000d"}, "jitter", "century"),
    ({"grace": "999999999w"}, "grace", "no length of time"),
    ({"missed": "perhaps"}, "missed", "not one of"),
    ({"overlap": "perhaps"}, "overlap", "not one of"),
]


@pytest.mark.once
@pytest.mark.parametrize(("values", "field", "message"), BAD, ids=str)
def test_what_is_wrong_is_said_at_its_field(
    boss: Client, values: dict[str, Any], field: str, message: str
) -> None:
    found = errors(boss.post(ADD, given(**values)))
    assert message in found.get(field, f"No error there, but: {found}")
    assert not Schedule.objects.exists()


def test_all_that_is_wrong_is_said_at_once(boss: Client) -> None:
    found = errors(boss.post(ADD, given(name="", crontab="x", args="[")))
    assert set(found) == {"name", "crontab", "args"}


def test_name_is_taken(boss: Client, schedule: MakeSchedule) -> None:
    schedule(name="mine")
    assert "of this name" in errors(boss.post(ADD, given()))["name"]


def test_empty_post_is_answered_with_errors(boss: Client) -> None:
    assert {"name", "kind", "task_path"} <= set(errors(boss.post(ADD, {})))


def test_field_of_another_kind_is_neither_wrong_nor_saved(boss: Client) -> None:
    sent = given(every="nonsense", clocked_at_0="x", latitude="y", solar_event="")
    assert boss.post(ADD, sent).status_code == 302
    mine = Schedule.objects.get()
    save(boss, mine, kind="interval", every="5m")
    mine.refresh_from_db()
    assert (mine.kind, mine.crontab, mine.every) == (
        "interval",
        "",
        timedelta(minutes=5),
    )


def test_zone_of_the_site_is_the_first_choice(boss: Client) -> None:
    with override_settings(TIME_ZONE="Asia/Tokyo"):
        form = boss.get(ADD).context["adminform"].form
        assert form["timezone"].value() == "Asia/Tokyo"
    page = boss.get(ADD).content.decode()
    assert '<option value="America/Argentina/Buenos_Aires">' in page


# What saving writes.


def test_saving_writes_the_row_of_the_schedule_alone(
    boss: Client, schedule: MakeSchedule
) -> None:
    mine = schedule()
    Plan.objects.create(schedule=mine, kind="", run_count=7)
    with CaptureQueriesContext(connection) as queries:
        assert save(boss, mine, crontab="@daily").status_code == 302
    written = [
        query["sql"]
        for query in queries
        if query["sql"].startswith(("UPDATE", "INSERT", "DELETE"))
        and "django_bgtasks" in query["sql"].split("WHERE")[0]
        and "admin_log" not in query["sql"]
    ]
    assert len(written) == 1
    assert Schedule._meta.db_table in written[0]
    assert Plan.objects.get().run_count == 7


def test_saving_leaves_what_others_have_changed_meanwhile(
    boss: Client, schedule: MakeSchedule
) -> None:
    mine = schedule()
    sent = fields_of(boss, address("change", mine))
    Schedule.objects.update(enabled=False, description="by somebody else")
    # A form that was opened before does not know of it, and asks for nothing else.
    sent.update(description="by somebody else", crontab="@weekly")
    del sent["enabled"]
    boss.post(address("change", mine), sent)
    mine.refresh_from_db()
    assert (mine.crontab, mine.enabled) == ("@weekly", False)


def test_form_sent_back_as_it_was_changes_nothing(
    boss: Client, schedule: MakeSchedule
) -> None:
    mine = schedule(
        kind="interval",
        crontab="",
        every=timedelta(hours=1, seconds=1.5),
        anchor_at=public(datetime(2030, 1, 1, 10, 0, 0, 123456, tzinfo=UTC)),
        start_at=public(AHEAD),
        timezone="Asia/Kathmandu",
        metadata={"big": 12345678901234567890, "text": "ü\u2028"},
        jitter=timedelta(seconds=90),
    )
    before = Schedule.objects.values().get()
    assert save(boss, mine).status_code == 302
    assert Schedule.objects.values().get() == before
    assert "No fields changed" in LogEntry.objects.get().get_change_message()


def test_moment_keeps_its_fraction_when_something_else_is_changed(
    boss: Client, schedule: MakeSchedule
) -> None:
    anchor = public(datetime(2030, 1, 1, 10, 0, 0, 123456, tzinfo=UTC))
    mine = schedule(
        kind="interval", crontab="", every=timedelta(hours=1), anchor_at=anchor
    )
    save(boss, mine, every="2h")
    mine.refresh_from_db()
    assert (mine.every, mine.anchor_at) == (timedelta(hours=2), anchor)


def test_moments_are_those_of_the_zone_of_the_schedule(
    boss: Client, schedule: MakeSchedule
) -> None:
    mine = schedule(start_at=public(AHEAD), timezone="America/New_York")
    sent = fields_of(boss, address("change", mine))
    assert (sent["start_at_0"], sent["start_at_1"]) == ("2031-07-01", "06:30:00")
    # The clock's reading is what was written: in another zone it is another moment.
    save(boss, mine, timezone="Asia/Tokyo")
    mine.refresh_from_db()
    tokyo = datetime(2031, 7, 1, 6, 30, tzinfo=ZoneInfo("Asia/Tokyo"))
    assert mine.start_at == public(tokyo)


@pytest.mark.only_on("sqlite")
def test_moments_are_right_where_the_site_has_no_zones(
    schedule: MakeSchedule, boss: Client
) -> None:
    with override_settings(USE_TZ=False, TIME_ZONE="Europe/Paris"):
        sent = given(
            kind="clocked",
            clocked_at_0="2031-12-24",
            clocked_at_1="18:00",
            timezone="Asia/Tokyo",
        )
        assert boss.post(ADD, sent).status_code == 302
        mine = Schedule.objects.get()
        assert mine.clocked_at == datetime(2031, 12, 24, 10)
        back = fields_of(boss, address("change", mine))
        assert (back["clocked_at_0"], back["clocked_at_1"]) == (
            "2031-12-24",
            "18:00:00",
        )
        assert "18:00:00 JST" in shown(boss.get(address("change", mine)))
        assert "24 Dec. 2031, 10:00" in shown(boss.get(address("changelist")))
        planned(mine)
        boss.post(address("run", mine))
        assert "by hand" in shown(boss.get(address("ticks", mine)))
        assert "just now" in shown(boss.get(address("changelist")))


def test_one_off_that_has_run_can_still_be_renamed(
    boss: Client, schedule: MakeSchedule
) -> None:
    past = public(datetime(2020, 1, 1, tzinfo=UTC))
    mine = schedule(kind="clocked", crontab="", clocked_at=past)
    assert save(boss, mine, name="old").status_code == 302
    found = errors(save(boss, mine, clocked_at_1="10:00"))
    assert "has passed" in found["clocked_at"]


# Rows that were edited behind the form.


@pytest.mark.once
@pytest.mark.parametrize("values", NONSENSE, ids=str)
def test_row_of_nonsense_is_opened_and_saved_without_a_crash(
    boss: Client, schedule: MakeSchedule, values: dict[str, Any]
) -> None:
    mine = schedule()
    Schedule.objects.filter(pk=mine.pk).update(**values)
    assert boss.get(address("ticks", mine)).status_code == 200
    assert save(boss, mine, description="seen").status_code in (200, 302)
    for deed in ("run", "duplicate", "restore"):
        assert boss.post(address(deed, mine)).status_code == 302


@pytest.mark.only_on("sqlite")
@pytest.mark.parametrize("column", ["every", "start_at", "latitude", "grace"])
def test_value_of_another_type_is_shown_as_none_and_can_be_put_right(
    boss: Client, schedule: MakeSchedule, column: str
) -> None:
    mine, other = schedule(), schedule()
    table = Schedule._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {table} SET {column} = 'soon' WHERE id = {mine.pk}")
    page = boss.get(address("changelist"))
    assert mine.name in shown(page)
    assert other.name in shown(page)
    assert boss.post(address("toggle", mine), {"enabled": "0"}).status_code == 302
    assert save(boss, mine, enabled="on").status_code == 302
    mine.refresh_from_db()
    assert getattr(mine, column) is None
    assert mine.enabled


# The task.


def test_only_registered_tasks_can_be_chosen(boss: Client) -> None:
    field = boss.get(ADD).context["adminform"].form.fields["task_path"]
    groups = dict(field.choices)
    choices = dict(groups["Testapp"])
    assert choices["tests.testapp.tasks.record"] == "record (tests.testapp.tasks)"
    assert choices["tests.testapp.tasks.fail"] == "fail (tests.testapp.tasks)"


def test_task_that_is_gone_is_shown_and_must_be_replaced(
    boss: Client, schedule: MakeSchedule
) -> None:
    mine = schedule(task_path="tests.testapp.tasks.gone")
    page = boss.get(address("change", mine))
    groups = dict(page.context["adminform"].form.fields["task_path"].choices)
    assert groups["No longer there"] == [(mine.task_path, mine.task_path)]
    found = errors(save(boss, mine, description="x"))
    assert "There is no task “tests.testapp.tasks.gone” any more" in found["task_path"]
    # What the arguments were is hidden, for the task knew whether it should be.
    sent = {"task_path": "tests.testapp.tasks.fail"}
    assert "Write the hidden values anew" in errors(save(boss, mine, **sent))["args"]
    assert save(boss, mine, **sent, args='["key"]').status_code == 302


def test_signature_and_docstring_of_the_task_are_shown(
    boss: Client, schedule: MakeSchedule
) -> None:
    from tests.testapp import tasks

    mine = schedule()
    page = boss.get(address("change", mine))
    assert "record(key: str)" in shown(page)
    assert tasks.record.func.__doc__ is not None
    assert tasks.record.func.__doc__.splitlines()[0] in shown(page)
    # For the other tasks it is there for the script.
    assert "fail(key: str)" in page.content.decode()


def test_module_of_tasks_that_cannot_be_imported_hides_no_form(
    boss: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from django_bgtasks import registry

    def fail(modules: Any) -> None:
        raise ImportError("no module")

    monkeypatch.setattr(registry, "discover", fail)
    assert boss.post(ADD, given()).status_code == 302
    assert "a module of tasks has failed" in caplog.text


# Declared schedules.


def test_declared_schedule_can_only_be_enabled_and_disabled(
    boss: Client, schedule: MakeSchedule
) -> None:
    mine = schedule(origin="code", timing_editable=False)
    page = boss.get(address("change", mine))
    assert list(page.context["adminform"].form.fields) == ["enabled"]
    assert "By @periodic in the code, above tests.testapp.tasks.record" in shown(page)
    assert "can only be enabled and disabled" in shown(page)
    boss.post(address("change", mine), {"name": "x", "crontab": "@daily"})
    mine.refresh_from_db()
    assert (mine.enabled, mine.timing_edited) == (False, False)
    assert mine.crontab == "30 7 * * mon-fri"


def test_timing_of_a_declared_schedule_can_be_changed_if_it_says_so(
    boss: Client, schedule: MakeSchedule
) -> None:
    mine = schedule(origin="settings", timing_editable=True)
    page = boss.get(address("change", mine))
    assert "name" not in page.context["adminform"].form.fields
    assert 'TASKS["default"]["OPTIONS"]["SCHEDULES"]' in shown(page)
    assert save(boss, mine, crontab="@daily").status_code == 302
    mine.refresh_from_db()
    assert (mine.crontab, mine.timing_edited, mine.args) == ("@daily", True, ["key"])


def test_pausing_a_declared_schedule_does_not_edit_its_timing(
    boss: Client, schedule: MakeSchedule
) -> None:
    mine = schedule(origin="code", timing_editable=True)
    assert save(boss, mine, enabled=None).status_code == 302
    mine.refresh_from_db()
    assert (mine.enabled, mine.timing_edited) == (False, False)


def test_declared_schedule_whose_task_is_gone_can_be_disabled_here_too(
    boss: Client, schedule: MakeSchedule
) -> None:
    mine = schedule(origin="code", task_path="tests.testapp.tasks.gone")
    assert save(boss, mine, enabled=None).status_code == 302
    found = errors(save(boss, mine, enabled="on"))
    assert "Task: 'tests.testapp.tasks.gone' names no task" in found["__all__"]


def test_declaration_that_is_gone_is_told_of(
    boss: Client, schedule: MakeSchedule
) -> None:
    mine = schedule(origin="code", enabled=False, undeclared_at=timezone.now())
    assert "Its declaration is gone since" in shown(boss.get(address("change", mine)))
    found = errors(save(boss, mine, enabled="on"))
    assert "Its declaration is gone" in found["enabled"]


# Who may do what.


def test_viewer_sees_everything_and_changes_nothing(
    staff: Staff, schedule: MakeSchedule
) -> None:
    mine = schedule(
        description="For the board.",
        kwargs={"one": "two"},
        grace=timedelta(minutes=90),
        start_at=public(AHEAD),
        timezone="Asia/Tokyo",
    )
    viewer = staff("view_schedule")
    page = viewer.get(address("change", mine))
    text = shown(page)
    for word in ("For the board.", '"one": "two"', "1h 30m", "30 7 * * mon-fri"):
        assert word in text
    assert "19:30:00 JST" in text
    assert "Monday through Friday" in text
    assert list(page.context["adminform"].form.fields) == []
    assert "Run now" not in text
    assert "Duplicate" not in text
    assert viewer.post(address("change", mine), given()).status_code == 403
    assert viewer.get(ADD).status_code == 403


def test_staff_without_permission_sees_nothing(
    staff: Staff, schedule: MakeSchedule
) -> None:
    mine = schedule()
    nobody = staff()
    for url in (
        address("changelist"),
        address("change", mine),
        address("ticks", mine),
        ADD,
    ):
        assert nobody.get(url).status_code == 403
    assert nobody.post(address("preview"), given()).status_code == 403


def test_change_is_logged_by_its_fields(boss: Client, schedule: MakeSchedule) -> None:
    mine = schedule(name="Report")
    save(boss, mine, crontab="@daily", queue_name="mail")
    assert logged() == ["Report: Changed Crontab and Queue."]


# Sensitive values.

TAKES_SECRET = "tests.testapp.tasks.sign_in"


@pytest.fixture
def secret(schedule: MakeSchedule) -> Schedule:
    return schedule(
        task_path=TAKES_SECRET,
        args=["ada"],
        kwargs={"password": "opensesame", "options": {"Password": "opensesame"}},
    )


def test_sensitive_arguments_are_hidden(
    boss: Client, staff: Staff, secret: Schedule
) -> None:
    for client in (boss, staff("view_schedule")):
        page = client.get(address("change", secret)).content.decode()
        assert "opensesame" not in page
        assert "********" in page


def test_hidden_value_that_is_left_stays_what_it_is(
    boss: Client, secret: Schedule
) -> None:
    before = secret.kwargs
    assert save(boss, secret).status_code == 302
    assert save(boss, secret, args='["bob"]', crontab="@daily").status_code == 302
    secret.refresh_from_db()
    assert (secret.args, secret.kwargs) == (["bob"], before)
    sent = '{"password": "new", "options": {"Password": "********"}}'
    assert save(boss, secret, kwargs=sent).status_code == 302
    secret.refresh_from_db()
    assert secret.kwargs == {"password": "new", "options": before["options"]}


def test_hidden_value_does_not_go_to_another_task(
    boss: Client, secret: Schedule
) -> None:
    found = errors(save(boss, secret, task_path="tests.testapp.tasks.anything"))
    assert "Write the hidden values anew" in found["kwargs"]
    sent = {"task_path": "tests.testapp.tasks.anything", "kwargs": '{"a": 1}'}
    assert save(boss, secret, **sent).status_code == 302


def test_arguments_of_a_task_that_is_gone_are_hidden(
    boss: Client, staff: Staff, schedule: MakeSchedule
) -> None:
    """What it hid, it alone knew."""
    row = schedule(
        task_path="tests.testapp.tasks.gone",
        args=["opensesame"],
        kwargs={"note": "opensesame"},
        metadata={"ticket": "opensesame"},
    )
    for client in (boss, staff("view_schedule")):
        page = client.get(address("change", row)).content.decode()
        assert "opensesame" not in page
        assert "********" in page
        assert "note" in page
    row.refresh_from_db()
    assert row.args == ["opensesame"]
