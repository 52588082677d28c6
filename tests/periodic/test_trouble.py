"""One bad row, one bad moment or one beat that hangs: the other schedules go on."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from django_bgtasks import registry
from django_bgtasks.models import (
    DeferredJob,
    Job,
    Plan,
    ReadyJob,
    Schedule,
    Tick,
)
from django_bgtasks.periodic import overlap, plans, tick, turn
from django_bgtasks.periodic.run_now import run_now
from django_bgtasks.results import public
from django_bgtasks.vendors import OUTAGES, vendor_of
from tests.elsewhere import elsewhere
from tests.testapp.tasks import record

from .conftest import Beat, Clock

pytestmark = pytest.mark.django_db(transaction=True)

Make = Callable[..., Schedule]
PATIENCE = 30
# What the database takes, and what cannot be read or written back.
UNREADABLE = {
    "postgresql": ("end_at", "infinity"),
    "mariadb": ("enabled", 2),
    "mysql": ("enabled", 2),
    "sqlite": ("latitude", "north"),
}


def write(made: Schedule, field: str, value: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE django_bgtasks_schedule SET {field} = %s WHERE id = %s",
            [value, made.pk],
        )


def look(beat: Beat) -> tick.Look:
    """Look once, and see that the next look is not due already."""
    seen = tick.look(beat.vendor, beat.backend, beat.since)
    beat.since = seen.now
    assert not seen.is_full
    assert seen.wake_at is None or seen.wake_at > seen.now
    return seen


def moments(schedule: Schedule) -> list[str]:
    rows = Tick.objects.filter(schedule=schedule, outcome="enqueued").order_by("due_at")
    return [f"{row.due_at:%H:%M}" for row in rows]


# -- bad rows ----------------------------------------------------


@pytest.mark.parametrize("planned", [False, True], ids=["new", "edited"])
def test_row_that_cannot_be_read_stops_no_other(
    beat: Beat, clock: Clock, schedule: Make, vendor: str, planned: bool
) -> None:
    bad, sound = schedule(), schedule()
    if planned:
        look(beat)
    write(bad, *UNREADABLE[vendor])
    clock.forward(seconds=1)
    look(beat)
    clock.to(12, 1)
    assert look(beat).enqueued == 1
    assert moments(sound) == ["12:01"]
    assert Plan.objects.get(schedule=bad).error
    write(bad, "end_at", None)
    write(bad, "enabled", True)
    write(bad, "latitude", None)
    look(beat)
    assert Plan.objects.get(schedule=bad).error == ""
    clock.to(12, 2)
    assert look(beat).enqueued == 2


@pytest.mark.only_on("sqlite")
def test_row_that_becomes_unreadable_as_it_is_due_stops_no_other(
    beat: Beat,
    clock: Clock,
    schedule: Make,
    vendor: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bad, sound = schedule(), schedule()
    look(beat)
    write(bad, *UNREADABLE[vendor])
    clock.to(12, 1)
    monkeypatch.setattr(plans, "changed", lambda *args: [])
    assert look(beat).enqueued == 1
    assert moments(sound) == ["12:01"]


def test_job_that_the_database_refuses_is_tried_again_and_stops_no_other(
    beat: Beat, clock: Clock, schedule: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, *sound = (schedule() for _ in range(3))
    look(beat)
    clock.to(12, 1)
    look(beat)
    known, order = Job.objects.all()[0].pk, turn.order

    def taken(backend: Any, row: Schedule, *rest: Any) -> Any:
        job = order(backend, row, *rest)
        return replace(job, id=known) if row.pk == bad.pk else job

    monkeypatch.setattr(turn, "order", taken)
    clock.to(12, 2)
    assert look(beat).enqueued == 2
    assert "Integrity" in Plan.objects.get(schedule=bad).error
    monkeypatch.undo()
    with monkeypatch.context() as again:
        again.setattr(type(beat.vendor), "now", lambda self: clock.now)
        clock.to(12, 3)
        look(beat)
    assert moments(bad) == ["12:01", "12:03"]
    assert Plan.objects.get(schedule=bad).error == ""
    assert [moments(each) for each in sound] == [["12:01", "12:02", "12:03"]] * 2


def test_reason_of_a_refusal_may_hold_any_character(
    beat: Beat, clock: Clock, schedule: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: Any) -> Any:
        raise ValueError("nul \0, half a pair \ud800, " + "long " * 1000)

    schedule()
    look(beat)
    monkeypatch.setattr(turn, "order", refuse)
    clock.to(12, 1)
    look(beat)
    (row,) = Tick.objects.all()
    assert row.outcome == "refused"
    assert "nul \\x00" in row.detail
    assert len(row.detail) <= 1000


def test_queue_of_a_task_that_is_too_long_is_refused_by_name(
    beat: Beat, clock: Clock, schedule: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    schedule()
    look(beat)
    monkeypatch.setattr(beat.backend, "validate_task", lambda task: None)
    long = registry.as_enqueued(record, 0, "q" * 129, "default")
    monkeypatch.setattr(registry, "resolve", lambda *args: long)
    clock.to(12, 1)
    look(beat)
    (row,) = Tick.objects.all()
    assert row.outcome == "refused"
    assert "over 128 long" in row.detail


def test_policy_that_makes_no_sense_is_shown_until_it_is_mended(
    beat: Beat, clock: Clock, schedule: Make
) -> None:
    made = schedule(missed="perhaps")
    look(beat)
    clock.to(12, 1)
    assert look(beat).enqueued == 0
    assert "perhaps" in Plan.objects.get().error
    Schedule.objects.update(missed="run_once")
    clock.to(12, 2)
    assert look(beat).enqueued == 1
    assert moments(made) == ["12:02"]
    assert Plan.objects.get().error == ""


# -- edits -------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "before", "after"),
    [
        ("crontab", "1 12 * * SUN", "1 12 * * sun"),
        ("crontab", "1 12 * * *", "1 12 * * * "),
        ("timezone", "utc ", "UTC"),
    ],
)
def test_edit_of_case_or_blanks_counts(
    beat: Beat, clock: Clock, schedule: Make, field: str, before: str, after: str
) -> None:
    made = schedule(**{"crontab": "1 12 * * *", field: before})
    look(beat)
    Schedule.objects.filter(pk=made.pk).update(**{field: after})
    clock.to(12, 1)
    assert look(beat).enqueued == 1
    assert getattr(Plan.objects.get(), field) == after


def test_schedule_that_moved_to_another_backend_is_left_to_it(
    beat: Beat, clock: Clock, schedule: Make
) -> None:
    schedule()
    look(beat)
    Schedule.objects.update(backend="elsewhere")
    clock.to(12, 1)
    assert look(beat).enqueued == 0
    assert Plan.objects.get().backend == "elsewhere"
    assert look(beat).wake_at is None


# -- overlap -----------------------------------------------------


def test_job_that_moves_on_while_it_is_looked_for_is_found(
    beat: Beat, clock: Clock, schedule: Make
) -> None:
    schedule(jitter=timedelta(minutes=1))
    look(beat)
    clock.to(12, 1)
    look(beat)
    job = DeferredJob.objects.get()

    def move(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        """Promote it after the first look."""
        result = execute(sql, params, many, context)
        if not looks:
            looks.append(sql)
            DeferredJob.objects.all().delete()
            ReadyJob.objects.create(
                pk=job.pk,
                queue_name="default",
                rank=0,
                attempt=1,
                ready_at=public(clock.now),
            )
        return result

    looks: list[str] = []
    with connection.execute_wrapper(move):
        assert overlap.unfinished("default", [job.pk]) == {job.pk}


# -- many --------------------------------------------------------


def test_one_transaction_makes_up_for_so_many_moments_only(
    beat: Beat, clock: Clock, schedule: Make
) -> None:
    made = [schedule(missed="run_all", crontab="* * * * *") for _ in range(6)]
    look(beat)
    clock.forward(minutes=700)
    sizes = []
    while (seen := tick.look(beat.vendor, beat.backend, beat.since)).enqueued:
        sizes.append(seen.enqueued)
    assert len(sizes) > 1
    assert max(sizes) < tick.MOST_MOMENTS + 700
    assert [len(moments(each)) for each in made] == [700] * 6


# -- the hour that comes twice -----------------------------------


def test_repeated_hour_exists_once_where_the_database_is_told_no_zone(
    beat: Beat, clock: Clock, schedule: Make, settings: Any
) -> None:
    settings.USE_TZ, settings.TIME_ZONE = False, "Europe/Berlin"
    clock.now = datetime(2026, 10, 24, 23, 40, tzinfo=UTC)
    made = schedule(
        kind="interval", every=timedelta(minutes=30), missed="run_all", crontab=""
    )
    other = schedule(kind="interval", every=timedelta(hours=1), overlap="queue_one")
    look(beat)
    for _ in range(20):
        clock.forward(minutes=10)
        look(beat)
    # By the clocks of Berlin: the first 2 o'clock, of summer, and then 3 o'clock.
    assert moments(made) == ["02:00", "02:30", "03:00", "03:30", "04:00"]
    assert not Tick.objects.filter(outcome="missed").exists()
    assert Tick.objects.filter(schedule=other).count() == 3


# -- a beat that hangs -------------------------------------------


@pytest.mark.only_on("postgresql")
@pytest.mark.parametrize("planned", [False, True], ids=["planning", "enqueuing"])
def test_beat_that_stands_still_holds_nothing_for_long(
    beat: Beat,
    clock: Clock,
    schedule: Make,
    monkeypatch: pytest.MonkeyPatch,
    planned: bool,
) -> None:
    monkeypatch.setattr(
        type(beat.vendor),
        "limit_silence",
        "SET LOCAL idle_in_transaction_session_timeout = '200ms'",
    )
    made = schedule()
    if planned:
        look(beat)
        clock.to(12, 1)
    module, name = (turn, "order") if planned else (plans, "timing_of")
    original, here = getattr(module, name), threading.get_ident()
    stands, goes_on = threading.Event(), threading.Event()

    def stand_still(*args: Any) -> Any:
        if threading.get_ident() != here:
            stands.set()
            assert goes_on.wait(PATIENCE)
        return original(*args)

    monkeypatch.setattr(module, name, stand_still)
    with elsewhere() as other:
        failed = other.start(
            lambda: tick.look(vendor_of(connection), beat.backend, None)
        )
        assert stands.wait(PATIENCE)
        try:
            # A new schedule's plan is waited for, one that is due is left out.
            while tick.look(beat.vendor, beat.backend, beat.since).wake_at is None:
                pass
            while planned and not moments(made):
                tick.look(beat.vendor, beat.backend, beat.since)
        finally:
            goes_on.set()
        # So that it goes on with another connection.
        assert isinstance(failed.exception(PATIENCE), OUTAGES)
    assert Plan.objects.get().next_run_at is not None


def test_schedule_that_is_deleted_before_it_is_planned_leaves_no_plan(
    beat: Beat, schedule: Make
) -> None:
    kept, deleted = schedule(), schedule()
    keys = plans.changed(beat.vendor, "default", beat.vendor.now())
    deleted.delete()
    assert plans.replan(beat.vendor, keys, None) == 1
    assert list(Plan.objects.values_list("pk", flat=True)) == [kept.pk]


def test_run_by_hand_counts_though_no_beat_has_seen_the_schedule(
    beat: Beat, schedule: Make
) -> None:
    made = schedule(overlap="skip")
    job = run_now(beat.backend, made)
    plan = Plan.objects.get()
    assert (plan.run_count, plan.last_job_id) == (1, job)
    look(beat)
    plan.refresh_from_db()
    assert (plan.run_count, plan.last_job_id) == (1, job)
    assert plan.next_run_at is not None
