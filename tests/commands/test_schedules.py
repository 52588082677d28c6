"""``bgtasks schedules``: see, run, enable and disable them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.core.management.base import CommandError

from django_bgtasks.models import Job, Plan, Schedule, Tick
from django_bgtasks.results import public
from django_bgtasks.testing import run_pending

from . import tasks
from .conftest import Run

pytestmark = pytest.mark.django_db

SUCCEED = tasks.succeed.module_path


def schedule(name: str = "nightly", **values: Any) -> Schedule:
    values = {"task_path": SUCCEED, "crontab": "15 3 * * *", **values}
    return Schedule.objects.create(name=name, **values)


def planned(row: Schedule, **values: Any) -> Plan:
    """Leave the plan that a beat would have worked out of the schedule."""
    copied = [field.name for field in Schedule._meta.get_fields() if field.concrete]
    known = {field.name for field in Plan._meta.concrete_fields}
    timing = {name: getattr(row, name) for name in copied if name in known}
    return Plan.objects.create(schedule=row, **timing, **values)


def test_list_tells_when_and_what(bgtasks: Run) -> None:
    schedule(timezone="Europe/London")
    schedule(
        "off", kind="interval", crontab="", every=timedelta(minutes=5), enabled=False
    )
    header, first, second = bgtasks("schedules", "list").splitlines()
    assert header.split()[:3] == ["NAME", "WHEN", "ZONE"]
    assert " ".join(first.split()).startswith("nightly At 03:15 Europe/London ")
    assert first.endswith("yes")
    assert "every 5 minutes" in second
    assert second.endswith("no")


def test_list_as_json_follows_the_plan_and_the_last_job(bgtasks_json: Any) -> None:
    row = schedule()
    result = tasks.succeed.enqueue()
    due = datetime(2031, 5, 6, 3, 15, tzinfo=UTC)
    planned(
        row,
        next_run_at=public(due),
        last_run_at=public(due - timedelta(days=1)),
        last_job_id=result.id,
    )
    (line,) = bgtasks_json("schedules", "list")
    assert datetime.fromisoformat(line["next_run"]) == due
    assert datetime.fromisoformat(line["last_run"]) == due - timedelta(days=1)
    assert (line["last_job"], line["last_job_state"]) == (str(result.id), "ready")
    assert (line["origin"], line["enabled"], line["task"]) == ("admin", True, SUCCEED)
    run_pending()
    assert bgtasks_json("schedules", "list")[0]["last_job_state"] == "succeeded"


def test_list_does_not_trust_the_plan_of_an_edited_schedule(bgtasks_json: Any) -> None:
    row = schedule()
    planned(row, next_run_at=public(datetime(2031, 5, 6, 3, 15, tzinfo=UTC)))
    Schedule.objects.update(crontab="45 4 1 1 *")
    (line,) = bgtasks_json("schedules", "list")
    following = datetime.fromisoformat(line["next_run"])
    assert (following.month, following.day, following.hour) == (1, 1, 4)


def test_list_says_what_is_wrong_with_a_row_written_by_hand(bgtasks: Run) -> None:
    schedule(crontab="61 3 * * *")
    schedule("well")
    assert "nightly: The minute '61' is not valid." in bgtasks("schedules", "list")


def test_next_runs_in_the_zone_of_the_schedule(bgtasks_json: Any) -> None:
    schedule(timezone="Asia/Kathmandu", crontab="0 9 * * mon")
    found = bgtasks_json("schedules", "next", "nightly", "--count", 3)
    moments = [datetime.fromisoformat(each) for each in found]
    assert [each.strftime("%H:%M %a %z") for each in moments] == ["09:00 Mon +0545"] * 3
    assert moments[2] - moments[0] == timedelta(days=14)


def test_next_runs_in_words(bgtasks: Run) -> None:
    schedule(timezone="Asia/Kathmandu", crontab="0 9 * * mon", enabled=False)
    lines = bgtasks("schedules", "next", "nightly", "--count", 2).splitlines()
    assert "It is disabled" in lines[0]
    assert lines[1].split() == ["DAY", "TIME", "IN", "ASIA/KATHMANDU", "UTC"]
    assert lines[2].split()[0] == "Mon"
    assert "09:00:00 +0545" in lines[2]
    assert lines[2].endswith("03:15:00")
    assert len(lines) == 4


def test_next_of_one_that_is_over(bgtasks: Run) -> None:
    schedule(end_at=public(datetime(2020, 1, 1, tzinfo=UTC)))
    assert "It is not due any more." in bgtasks("schedules", "next", "nightly")


def test_unknown_name_has_a_hint(bgtasks: Run) -> None:
    schedule("nightly clean-up")
    for verb in (["next"], ["run"], ["enable"], ["disable"], ["export"]):
        with pytest.raises(CommandError) as raised:
            bgtasks("schedules", *verb, "nightly cleanup")
        assert str(raised.value) == (
            "There is no schedule 'nightly cleanup'. Did you mean 'nightly clean-up'?"
        )


def test_run_enqueues_a_job_that_knows_its_schedule(bgtasks: Run) -> None:
    row = schedule(args=["by hand"], enabled=False)
    said = bgtasks("schedules", "run", "nightly")
    job = Job.objects.get()
    assert said == f"Enqueued job {job.pk} of schedule 'nightly'.\n"
    assert (job.schedule_id, job.args) == (row.pk, ["by hand"])
    assert Tick.objects.get().by_hand
    (result,) = run_pending()
    assert (UUID(result.id), result.return_value) == (job.pk, "by hand")


def test_run_of_a_task_that_is_gone_is_refused(bgtasks: Run) -> None:
    schedule(task_path="tests.commands.tasks.gone")
    with pytest.raises(CommandError, match=r"'nightly'.*names no task"):
        bgtasks("schedules", "run", "nightly")
    assert not Job.objects.exists()


def test_disable_and_enable(bgtasks: Run) -> None:
    schedule()
    schedule("hourly", crontab="@hourly", enabled=False)
    said = bgtasks("schedules", "disable", "nightly", "hourly")
    assert said == (
        "Schedule 'nightly' is disabled.\nSchedule 'hourly' was disabled already.\n"
    )
    assert not Schedule.objects.filter(enabled=True).exists()
    said = bgtasks("schedules", "enable", "hourly", "nightly", "hourly")
    assert said == "Schedule 'hourly' is enabled.\nSchedule 'nightly' is enabled.\n"
    assert Schedule.objects.filter(enabled=True).count() == 2


def test_unknown_name_among_several_is_refused_before_any_is_changed(
    bgtasks: Run,
) -> None:
    schedule()
    with pytest.raises(CommandError, match="There is no schedule 'nigthly'"):
        bgtasks("schedules", "disable", "nightly", "nigthly")
    assert Schedule.objects.get().enabled


def test_what_cannot_run_is_not_enabled(bgtasks: Run) -> None:
    schedule(enabled=False)
    schedule("gone", task_path="tests.commands.tasks.gone", enabled=False)
    past = public(datetime(2020, 1, 1, tzinfo=UTC))
    schedule("over", kind="clocked", crontab="", clocked_at=past, enabled=False)
    with pytest.raises(CommandError) as raised:
        bgtasks("schedules", "enable", "nightly", "gone", "over")
    gone, over, nothing = str(raised.value).splitlines()
    assert gone.startswith("Schedule 'gone': task: 'tests.commands.tasks.gone' names")
    assert over.startswith("Schedule 'over': at: This time has passed.")
    assert nothing == "Nothing was done."
    assert not Schedule.objects.filter(enabled=True).exists()


@pytest.mark.once
def test_options_of_django_may_follow_the_verbs(run_manage: Any) -> None:
    process = run_manage("bgtasks", "schedules", "list", "--no-color", "-v", 2)
    assert process.wait() == 0, process.output
    missing = run_manage("bgtasks", "schedules")
    assert missing.wait() == 2
    assert "the following arguments are required: verb" in missing.output
