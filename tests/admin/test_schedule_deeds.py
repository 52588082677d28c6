from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from django_bgtasks import periodic
from django_bgtasks.models import Job, ReadyJob, Schedule, Tick
from django_bgtasks.periodic import declare
from tests.testapp.tasks import record

from .conftest import MakeSchedule, Staff
from .schedules import address, logged, said, shown

LIST = "/admin/django_bgtasks/schedule/"


def act(client: Client, action: str, *schedules: Schedule, **more: Any) -> Any:
    sent = {"action": action, "_selected_action": [each.pk for each in schedules]}
    return client.post(LIST, {**sent, **more}, follow=True)


@pytest.fixture
def declared(monkeypatch: pytest.MonkeyPatch) -> None:
    """One declaration in the code, of the name "nightly"."""
    monkeypatch.setattr(declare, "_declared", {})
    periodic(
        "0 3 * * *", name="nightly", timezone="Asia/Tokyo", args=["a"], editable=True
    )(record)


# Run now.


def test_run_now_enqueues_a_job(boss: Client, schedule: MakeSchedule) -> None:
    mine = schedule(name="Report", enabled=False)
    page = boss.post(address("run", mine), follow=True)
    job = Job.objects.get()
    assert (job.schedule_id, job.args) == (mine.pk, ["key"])
    assert ReadyJob.objects.count() == 1
    assert str(job.pk) in said(page)
    assert logged() == [f"Report: Run now: job {job.pk}."]
    assert "by hand" in shown(page)
    assert not Schedule.objects.get().enabled


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"task_path": "tests.testapp.tasks.gone"}, "names no task"),
        ({"args": []}, "key"),
        ({"kwargs": {"other": 1}}, "other"),
        ({"metadata": [1]}, "metadata"),
        ({"backend": "nowhere"}, "nowhere"),
        ({"queue_name": "no such"}, "no such"),
        ({"priority": 9999}, "priority"),
    ],
    ids=str,
)
def test_run_now_of_what_cannot_run_says_why(
    boss: Client, schedule: MakeSchedule, values: dict[str, Any], reason: str
) -> None:
    mine = schedule(**values)
    page = boss.post(address("run", mine), follow=True)
    assert reason in said(page)
    assert said(page).startswith(f"“{mine.name}”: ")
    assert not Job.objects.exists()
    assert not Tick.objects.exists()
    assert logged() == []


def test_run_now_needs_its_own_permission(staff: Staff, schedule: MakeSchedule) -> None:
    mine = schedule()
    editor = staff("view_schedule", "change_schedule", "add_schedule")
    assert "Run now" not in shown(editor.get(address("change", mine)))
    assert editor.post(address("run", mine)).status_code == 403
    act(editor, "run_selected", mine)
    assert not Job.objects.exists()
    runner = staff("view_schedule", "run_schedule")
    assert "Run now" in shown(runner.get(address("change", mine)))
    assert runner.post(address("run", mine)).status_code == 302
    act(runner, "run_selected", mine)
    assert Job.objects.count() == 2


# Duplicate.


def test_duplicate_is_a_disabled_copy(boss: Client, schedule: MakeSchedule) -> None:
    mine = schedule(
        name="Report",
        origin="code",
        timing_edited=True,
        timing_editable=False,
        undeclared_at=timezone.now(),
        grace=timedelta(hours=1),
        kwargs={"a": 1},
    )
    page = boss.post(address("duplicate", mine), follow=True)
    copy = Schedule.objects.exclude(pk=mine.pk).get()
    assert page.redirect_chain[-1][0] == address("change", copy)
    assert (copy.name, copy.enabled, copy.origin) == ("Report (copy)", False, "admin")
    assert (copy.crontab, copy.kwargs, copy.grace) == (
        mine.crontab,
        mine.kwargs,
        mine.grace,
    )
    assert (copy.timing_edited, copy.undeclared_at) == (False, None)
    assert logged() == ["Report (copy): Duplicated from “Report”."]


def test_duplicates_of_a_long_name_have_names_of_their_own(
    boss: Client, schedule: MakeSchedule
) -> None:
    mine = schedule(name="x" * 200)
    for _ in range(3):
        boss.post(address("duplicate", mine))
    names = set(Schedule.objects.values_list("name", flat=True))
    assert len(names) == 4
    assert max(map(len, names)) == 200


def test_duplicate_needs_the_permission_to_add(
    staff: Staff, schedule: MakeSchedule
) -> None:
    mine = schedule()
    editor = staff("view_schedule", "change_schedule")
    assert "Duplicate" not in shown(editor.get(address("change", mine)))
    assert editor.post(address("duplicate", mine)).status_code == 403
    adder = staff("view_schedule", "add_schedule")
    assert adder.post(address("duplicate", mine)).status_code == 302
    assert Schedule.objects.count() == 2


# On many at once.


def test_selected_schedules_are_disabled_and_enabled(
    boss: Client, schedule: MakeSchedule
) -> None:
    several = [schedule() for _ in range(7)]
    page = act(boss, "disable_selected", *several)
    assert "And 2 more." in said(page)
    assert not Schedule.objects.filter(enabled=True).exists()
    act(boss, "enable_selected", *several)
    assert not Schedule.objects.filter(enabled=False).exists()
    assert len(logged()) == 14


def test_one_that_cannot_be_enabled_stops_no_other(
    boss: Client, schedule: MakeSchedule
) -> None:
    bad = schedule(enabled=False, crontab="0 0 30 2 *")
    good = schedule(enabled=False)
    page = act(boss, "enable_selected", bad, good)
    assert f"“{bad.name}”: Crontab:" in said(page)
    assert f"“{good.name}” is enabled." in said(page)
    assert list(Schedule.objects.filter(enabled=True)) == [good]


def test_selected_schedules_are_run_and_duplicated(
    boss: Client, schedule: MakeSchedule
) -> None:
    several = [schedule(), schedule()]
    act(boss, "run_selected", *several)
    assert set(Job.objects.values_list("schedule_id", flat=True)) == {
        each.pk for each in several
    }
    act(boss, "duplicate_selected", *several)
    assert Schedule.objects.filter(enabled=False).count() == 2


def test_actions_are_offered_by_permission(
    staff: Staff, schedule: MakeSchedule
) -> None:
    schedule()

    def offered(*codenames: str) -> set[str]:
        page = staff("view_schedule", *codenames).get(LIST)
        form = page.context["action_form"]
        choices = form.fields["action"].choices if form else []
        return {name for name, _ in choices if name}

    assert offered() == set()
    assert offered("change_schedule") == {"enable_selected", "disable_selected"}
    assert offered("run_schedule") == {"run_selected"}
    assert offered("add_schedule") == {"duplicate_selected"}
    assert offered("delete_schedule") == {"delete_selected"}


# Back to the declaration.


@pytest.mark.usefixtures("declared")
def test_timing_is_set_back_to_the_declaration(
    boss: Client, schedule: MakeSchedule
) -> None:
    mine = schedule(name="nightly", origin="code", timing_edited=True, enabled=False)
    assert "Back to the declaration" in shown(boss.get(address("change", mine)))
    boss.post(address("restore", mine))
    mine.refresh_from_db()
    assert (mine.crontab, mine.timezone) == ("0 3 * * *", "Asia/Tokyo")
    assert (mine.timing_edited, mine.enabled) == (False, False)
    assert logged() == ["nightly: Timing set back to the declaration."]
    assert "Back to the declaration" not in shown(boss.get(address("change", mine)))


@pytest.mark.usefixtures("declared")
def test_schedule_without_a_declaration_is_not_set_back(
    boss: Client, schedule: MakeSchedule
) -> None:
    by_hand = schedule(name="nightly")
    other = schedule(name="other", origin="code", timing_edited=True)
    for mine in (by_hand, other):
        page = boss.post(address("restore", mine), follow=True)
        assert "Neither the code nor the settings declare it." in said(page)


# Deleting.


def test_schedule_is_deleted_with_its_history(
    boss: Client, schedule: MakeSchedule
) -> None:
    mine = schedule(name="Report")
    boss.post(address("run", mine))
    page = boss.get(address("delete", mine))
    assert "Ticks: 1" in shown(page)
    boss.post(address("delete", mine), {"post": "yes"})
    assert not Schedule.objects.exists()
    assert not Tick.objects.exists()
    # What was enqueued runs all the same.
    assert Job.objects.count() == 1


def test_declared_schedule_is_not_deleted_and_the_reason_is_given(
    boss: Client, schedule: MakeSchedule
) -> None:
    mine = schedule(name="nightly", origin="code")
    by_hand = schedule()
    for send in (
        lambda: boss.post(address("delete", mine), {"post": "yes"}, follow=True),
        lambda: boss.get(address("delete", mine), follow=True),
        lambda: act(boss, "delete_selected", mine, by_hand, post="yes"),
    ):
        assert "“nightly” is declared in the code." in said(send())
    assert Schedule.objects.count() == 2


def test_schedule_whose_declaration_is_gone_can_be_deleted(
    boss: Client, schedule: MakeSchedule
) -> None:
    mine = schedule(origin="code", enabled=False, undeclared_at=timezone.now())
    boss.post(address("delete", mine), {"post": "yes"})
    assert not Schedule.objects.exists()


def test_selected_schedules_are_deleted(boss: Client, schedule: MakeSchedule) -> None:
    several = [schedule(), schedule()]
    page = act(boss, "delete_selected", *several)
    assert "Schedules: 2" in shown(page)
    act(boss, "delete_selected", *several, post="yes")
    assert not Schedule.objects.exists()
    assert len(logged()) == 2


@pytest.mark.parametrize("key", ["x", "", "-1", "1.5", "9" * 40])
def test_what_is_no_schedule_is_not_chosen(
    boss: Client, schedule: MakeSchedule, key: str
) -> None:
    schedule()
    for action in ("delete_selected", "disable_selected"):
        sent = {"action": action, "_selected_action": [key], "post": "yes"}
        page = boss.post(LIST, sent, follow=True)
        assert "Items must be selected" in said(page)
    assert Schedule.objects.get().enabled


def test_deleting_needs_its_permission(staff: Staff, schedule: MakeSchedule) -> None:
    for mine in (schedule(), schedule(origin="code")):
        url = address("delete", mine)
        assert staff("change_schedule").post(url, {"post": "yes"}).status_code == 403
    assert Schedule.objects.count() == 2


@pytest.mark.only_on("sqlite")
@pytest.mark.parametrize("column", ["every", "latitude", "expires", "priority"])
def test_row_that_cannot_be_read_whole_is_neither_copied_nor_kept(
    boss: Client, schedule: MakeSchedule, column: str
) -> None:
    broken, other = schedule(), schedule()
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {Schedule._meta.db_table} SET {column} = 'soon' "
            f"WHERE id = {broken.pk}"
        )
    boss.post(address("duplicate", broken), follow=True)
    assert shown(boss.get(LIST))
    act(boss, "delete_selected", broken, other)
    act(boss, "delete_selected", broken, other, post="yes")
    assert not Schedule.objects.filter(pk__in=[broken.pk, other.pk]).count()
