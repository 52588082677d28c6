"""Every due moment is enqueued once, and each policy keeps its word."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from django_bgtasks.compat import task_backends, task_enqueued
from django_bgtasks.models import DeferredJob, Job, Plan, ReadyJob, Schedule, Tick
from django_bgtasks.periodic import plans, tick
from django_bgtasks.periodic.run_now import run_now
from django_bgtasks.results import public
from tests.inline import InlineWorker

from . import tasks  # noqa: F401
from .conftest import Beat, Clock

Make = Callable[..., Schedule]


def moments(schedule: Schedule, outcome: str = "enqueued") -> list[str]:
    rows = Tick.objects.filter(schedule=schedule, outcome=outcome).order_by("due_at")
    return [f"{row.due_at:%d %H:%M:%S}" for row in rows]


def at(hour: int, minute: int = 0, second: int = 0, day: int = 1) -> datetime:
    return datetime(2026, 11, day, hour, minute, second, tzinfo=UTC)


def finish_all() -> None:
    """Run whatever waits."""
    InlineWorker().run_all()


def test_due_moment_is_enqueued_once(beat: Beat, clock: Clock, schedule: Make) -> None:
    every_minute = schedule()
    assert beat.look().enqueued == 0
    clock.to(12, 0, 59)
    assert beat.look().enqueued == 0
    clock.to(12, 1, 0.3)
    assert beat.look().enqueued == 1
    assert beat.look().enqueued == 0
    assert moments(every_minute) == ["01 12:01:00"]


def test_job_knows_its_schedule_and_its_moment(
    beat: Beat, clock: Clock, schedule: Make
) -> None:
    made = schedule(kwargs={}, queue_name="mail", priority=7, metadata={"a": 1})
    beat.look()
    clock.to(12, 1, 0.4)
    beat.look()
    job = Job.objects.get()
    assert job.schedule_id == made.pk
    assert job.scheduled_for == at(12, 1)
    assert (job.queue_name, job.priority) == ("mail", 7)
    result = task_backends["default"].get_result(str(job.pk))
    assert result.args == ["key"]
    assert result.metadata == {"a": 1}
    assert result.schedule_id == made.pk
    assert result.scheduled_for == at(12, 1)
    plan = Plan.objects.get()
    assert plan.last_job_id == job.pk
    assert plan.run_count == 1
    assert plan.last_run_at == clock.now
    assert plan.next_run_at == at(12, 2)


def test_task_is_told_its_moment(beat: Beat, clock: Clock, schedule: Make) -> None:
    schedule(task_path="tests.periodic.tasks.tell_moment", args=[])
    beat.look()
    clock.to(12, 1)
    beat.look()
    finish_all()
    result = task_backends["default"].get_result(str(Job.objects.get().pk))
    assert result.return_value == at(12, 1).isoformat()


def test_signal_is_sent_for_each_job(beat: Beat, clock: Clock, schedule: Make) -> None:
    seen: list[Any] = []

    def on_enqueued(sender: type, task_result: Any, **kwargs: Any) -> None:
        seen.append((task_result.task.func.__name__, task_result.scheduled_for))

    task_enqueued.connect(on_enqueued)
    try:
        schedule()
        beat.look()
        clock.to(12, 1)
        beat.look()
    finally:
        task_enqueued.disconnect(on_enqueued)
    assert seen == [("record", public(at(12, 1)))]


# -- edits count, by whatever way --------------------------------


@pytest.mark.parametrize("way", ["save", "update", "sql"])
def test_edit_counts_at_the_next_look(
    beat: Beat, clock: Clock, schedule: Make, way: str
) -> None:
    made = schedule(crontab="0 15 * * *")
    assert beat.look().wake_at == at(15)
    if way == "save":
        made.crontab = "30 12 * * *"
        made.save()
    elif way == "update":
        Schedule.objects.update(crontab="30 12 * * *")
    else:
        with connection.cursor() as cursor:
            cursor.execute("UPDATE django_bgtasks_schedule SET crontab = '30 12 * * *'")
    clock.forward(seconds=1)
    assert beat.look().wake_at == at(12, 30)


@pytest.mark.parametrize(
    "change",
    [
        {"timezone": "Asia/Tokyo"},
        {"start_at": at(16)},
        {"end_at": at(13)},
        {"enabled": False},
        {"kind": "interval", "every": timedelta(hours=7)},
        {"kind": "clocked", "clocked_at": at(14)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_each_part_of_the_timing_counts(
    beat: Beat, schedule: Make, change: dict[str, Any]
) -> None:
    schedule(crontab="0 15 * * *")
    before = beat.look().wake_at
    Schedule.objects.update(**change)
    assert beat.look().wake_at != before
    # And it is worked out once: not a statement is written after that.
    assert plans.changed(beat.vendor, "default", beat.vendor.now()) == []


def test_moment_between_an_edit_and_its_notice_is_not_lost(
    beat: Beat, clock: Clock, schedule: Make
) -> None:
    made = schedule(crontab="0 15 * * *")
    clock.to(12, 29, 59.5)
    beat.look()
    Schedule.objects.update(crontab="30 12 * * *")
    clock.to(12, 30, 0.4)
    assert beat.look().enqueued == 1
    assert moments(made) == ["01 12:30:00"]


def test_edit_just_before_the_old_moment_prevents_it(
    beat: Beat, clock: Clock, schedule: Make
) -> None:
    schedule(crontab="30 12 * * *")
    beat.look()
    Schedule.objects.update(crontab="0 15 * * *")
    clock.to(12, 30, 0.2)
    assert beat.look().enqueued == 0


def test_disabled_schedule_catches_nothing_up_when_enabled(
    beat: Beat, clock: Clock, schedule: Make
) -> None:
    made = schedule(missed="run_all")
    beat.look()
    Schedule.objects.update(enabled=False)
    clock.forward(seconds=1)
    beat.look()
    assert Plan.objects.get().next_run_at is None
    clock.forward(hours=5)
    assert beat.look().enqueued == 0
    Schedule.objects.update(enabled=True)
    clock.forward(seconds=1)
    assert beat.look().enqueued == 0
    assert Plan.objects.get().next_run_at == at(17, 1)
    assert moments(made) == []


def test_saving_a_schedule_keeps_what_a_beat_noted(
    beat: Beat, clock: Clock, schedule: Make
) -> None:
    form = schedule()
    beat.look()
    clock.to(12, 1)
    beat.look()
    form.description = "opened before, saved after"
    form.save()
    clock.forward(seconds=1)
    assert beat.look().enqueued == 0
    assert Plan.objects.get().run_count == 1


# -- missed moments ----------------------------------------------


@pytest.mark.parametrize(
    ("policy", "enqueued"),
    [
        ("run_once", ["01 12:30:00"]),
        ("run_all", ["01 12:00:00", "01 12:10:00", "01 12:20:00", "01 12:30:00"]),
        ("skip", []),
    ],
)
def test_missed_moments_follow_the_policy(
    beat: Beat, clock: Clock, schedule: Make, policy: str, enqueued: list[str]
) -> None:
    clock.to(11, 59)
    made = schedule(crontab="*/10 * * * *", missed=policy)
    beat.look()
    clock.to(12, 35)
    beat.look()
    assert moments(made) == enqueued
    assert Plan.objects.get().next_run_at == at(12, 40)
    missed = Tick.objects.filter(outcome="missed")
    assert [each.due_at for each in missed] == ([at(12)] if policy != "run_all" else [])


def test_four_centuries_of_run_all_are_bounded(
    beat: Beat, clock: Clock, schedule: Make
) -> None:
    made = schedule(kind="interval", every=timedelta(seconds=1), missed="run_all")
    beat.look()
    Plan.objects.update(
        next_run_at=public(datetime(1926, 1, 1, tzinfo=UTC)),
        wake_at=public(datetime(1926, 1, 1, tzinfo=UTC)),
    )
    clock.forward(seconds=0.5)
    beat.look()
    assert len(moments(made)) == 1000
    assert beat.look().enqueued == 0


def test_one_off_runs_once(beat: Beat, clock: Clock, schedule: Make) -> None:
    made = schedule(kind="clocked", clocked_at=at(13))
    beat.look()
    clock.to(13, 0, 1)
    assert beat.look().enqueued == 1
    clock.to(14)
    assert beat.look().enqueued == 0
    assert Plan.objects.get().next_run_at is None
    Schedule.objects.update(enabled=False)
    beat.look()
    Schedule.objects.update(enabled=True)
    assert beat.look().enqueued == 0
    Schedule.objects.update(clocked_at=public(at(15)))
    beat.look()
    clock.to(15)
    assert beat.look().enqueued == 1
    assert moments(made) == ["01 13:00:00", "01 15:00:00"]


# -- overlap -----------------------------------------------------


def test_overlap_skip_leaves_out_while_a_job_is_unfinished(
    beat: Beat, clock: Clock, schedule: Make
) -> None:
    made = schedule(overlap="skip")
    beat.look()
    clock.to(12, 1)
    assert beat.look().enqueued == 1
    clock.to(12, 2)
    assert beat.look().enqueued == 0
    assert moments(made, "overlapped") == ["01 12:02:00"]
    finish_all()
    clock.to(12, 3)
    assert beat.look().enqueued == 1


def test_overlap_queue_one_holds_one_until_the_job_has_ended(
    beat: Beat, clock: Clock, schedule: Make
) -> None:
    made = schedule(overlap="queue_one")
    beat.look()
    for minute in (1, 2, 3):
        clock.to(12, minute)
        beat.look()
    assert Job.objects.count() == 1
    assert moments(made, "waiting") == ["01 12:02:00"]
    assert moments(made, "overlapped") == ["01 12:03:00"]
    finish_all()
    clock.to(12, 3, 1)
    assert beat.look().enqueued == 1
    assert moments(made) == ["01 12:01:00", "01 12:02:00"]
    assert Job.objects.order_by("-pk")[0].scheduled_for == at(12, 2)
    finish_all()
    clock.to(12, 4)
    assert beat.look().enqueued == 1


def test_moment_on_hold_is_dropped_with_its_schedule_disabled(
    beat: Beat, clock: Clock, schedule: Make
) -> None:
    made = schedule(overlap="queue_one")
    beat.look()
    for minute in (1, 2):
        clock.to(12, minute)
        beat.look()
    Schedule.objects.update(enabled=False)
    clock.forward(seconds=1)
    beat.look()
    finish_all()
    clock.forward(seconds=5)
    assert beat.look().enqueued == 0
    assert moments(made, "missed") == ["01 12:02:00"]


# -- options of a job --------------------------------------------


def test_jitter_defers_the_job(beat: Beat, clock: Clock, schedule: Make) -> None:
    schedule(jitter=timedelta(seconds=30))
    beat.look()
    clock.to(12, 1)
    beat.look()
    assert not ReadyJob.objects.exists()
    row = DeferredJob.objects.get()
    assert at(12, 1) < row.run_after <= at(12, 1, 30)
    assert Job.objects.get().scheduled_for == at(12, 1)


def test_expires_counts_from_the_enqueue(
    beat: Beat, clock: Clock, schedule: Make
) -> None:
    schedule(expires=timedelta(minutes=5))
    beat.look()
    clock.to(12, 40)
    beat.look()
    assert Job.objects.get().expires_at == at(12, 45)


# -- what goes wrong ---------------------------------------------


@pytest.mark.parametrize(
    ("bad", "word"),
    [
        ({"task_path": "tests.testapp.tasks.gone"}, "gone"),
        ({"task_path": "os.system", "args": ["true"]}, "os"),
        ({"args": []}, "key"),
        ({"args": {"no": "list"}}, "args"),
        ({"queue_name": "nowhere"}, "nowhere"),
    ],
)
def test_bad_schedule_is_shown_and_stops_no_other(
    beat: Beat, clock: Clock, schedule: Make, bad: dict[str, Any], word: str
) -> None:
    broken, sound = schedule(**bad), schedule()
    beat.look()
    clock.to(12, 1)
    assert beat.look().enqueued == 1
    assert moments(sound) == ["01 12:01:00"]
    (refused,) = Tick.objects.filter(schedule=broken)
    assert refused.outcome == "refused"
    assert word in refused.detail
    clock.to(12, 2)
    assert beat.look().enqueued == 1


@pytest.mark.parametrize(
    "bad",
    [
        {"crontab": "nonsense"},
        {"crontab": "0 0 30 2 *"},
        {"timezone": "Mars/Olympus"},
        {"kind": "interval", "every": None},
        {"kind": "interval", "every": timedelta(0)},
        {"kind": "clocked"},
        {"kind": "moon"},
        {"kind": "solar", "solar_event": "eclipse"},
    ],
    ids=str,
)
def test_nonsense_in_a_row_is_shown_and_stops_no_other(
    beat: Beat, clock: Clock, schedule: Make, bad: dict[str, Any]
) -> None:
    broken = schedule(**bad)
    schedule()
    beat.look()
    clock.to(12, 1)
    assert beat.look().enqueued == 1
    plan = Plan.objects.get(schedule=broken)
    assert plan.error
    assert plan.next_run_at is None
    Schedule.objects.filter(pk=broken.pk).update(
        kind="crontab", crontab="* * * * *", timezone="UTC"
    )
    beat.look()
    assert Plan.objects.get(schedule=broken).error == ""
    clock.to(12, 2)
    assert beat.look().enqueued == 2


def test_deleted_schedule_leaves_nothing(
    beat: Beat, clock: Clock, schedule: Make
) -> None:
    schedule()
    beat.look()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_bgtasks_schedule")
    clock.to(12, 1)
    assert beat.look().enqueued == 0
    assert not Plan.objects.exists()
    schedule().delete()
    assert not Plan.objects.exists()


# -- the clock ---------------------------------------------------


def test_clock_that_jumps_forward_counts_as_time(
    beat: Beat, clock: Clock, schedule: Make
) -> None:
    made = schedule()
    beat.look()
    clock.forward(hours=2, seconds=30)
    assert beat.look().enqueued == 1
    assert moments(made) == ["01 14:00:00"]


def test_clock_that_is_put_back_enqueues_nothing_twice(
    beat: Beat, clock: Clock, schedule: Make
) -> None:
    made = schedule()
    beat.look()
    clock.to(12, 1)
    beat.look()
    clock.forward(hours=24)
    beat.look()
    assert moments(made) == ["01 12:01:00", "02 12:01:00"]
    clock.to(12, 0, 30, day=1)
    beat.look()
    # The first minute has run, and the second was noted as missed. The third is new.
    clock.to(12, 1)
    assert beat.look().enqueued == 0
    clock.to(12, 2)
    assert beat.look().enqueued == 0
    clock.to(12, 3)
    assert beat.look().enqueued == 1
    assert moments(made) == ["01 12:01:00", "01 12:03:00", "02 12:01:00"]


def test_small_step_back_waits_for_the_plan(
    beat: Beat, clock: Clock, schedule: Make
) -> None:
    schedule()
    beat.look()
    clock.to(12, 1)
    beat.look()
    clock.forward(seconds=-3)
    assert beat.look().wake_at == at(12, 2)


# -- by hand -----------------------------------------------------


def test_run_now_enqueues_and_keeps_the_plan(
    beat: Beat, clock: Clock, schedule: Make
) -> None:
    made = schedule(enabled=False, jitter=timedelta(hours=1))
    beat.look()
    job_id = run_now(beat.backend, made)
    (row,) = Tick.objects.all()
    assert row.by_hand
    assert row.job_id == job_id
    assert ReadyJob.objects.get().pk == job_id
    assert Job.objects.get().schedule_id == made.pk
    assert Job.objects.get().scheduled_for is None
    plan = Plan.objects.get()
    assert (plan.run_count, plan.last_job_id) == (1, job_id)
    assert plan.next_run_at is None


def test_run_now_refuses_what_a_beat_would(beat: Beat, schedule: Make) -> None:
    made = schedule(args=[])
    with pytest.raises(TypeError, match="record"):
        run_now(beat.backend, made)
    assert not Tick.objects.exists()


# -- many --------------------------------------------------------


def test_many_due_at_once_cost_few_statements(
    beat: Beat, clock: Clock, schedule: Make, django_assert_max_num_queries: Any
) -> None:
    Schedule.objects.bulk_create(
        Schedule(
            name=f"many {number}",
            task_path="tests.testapp.tasks.record",
            args=[str(number)],
            crontab="* * * * *",
        )
        for number in range(300)
    )
    beat.look()
    clock.to(12, 1)
    with django_assert_max_num_queries(40):
        assert tick.look(beat.vendor, beat.backend, beat.since).enqueued == 300
    assert ReadyJob.objects.count() == 300


def test_idle_look_is_three_statements(
    beat: Beat, schedule: Make, django_assert_max_num_queries: Any
) -> None:
    schedule()
    beat.look()
    with django_assert_max_num_queries(3):
        beat.look()
