"""Beats in processes of their own: each due moment is enqueued once, whatever comes."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from django_bgtasks.models import Job, Plan, Process, Schedule, Tick
from django_bgtasks.results import public
from django_bgtasks.vendors import vendor_of
from tests.waiting import eventually

from . import beat_ledger
from .fast_clock import FastClock
from .test_database_away import cut_connections
from .workers import PATIENCE, Start, Worker, await_finished, live_processes

pytestmark = pytest.mark.django_db(transaction=True)

EVERY_SECOND = {
    "task_path": "tests.testapp.tasks.record",
    "args": ["key"],
    "crontab": "* * * * * *",
}


def ticks(**which: Any) -> int:
    return Tick.objects.filter(outcome="enqueued", **which).count()


def test_beat_enqueues_and_stops_in_order(start: Start) -> None:
    Schedule.objects.create(name="every second", **EVERY_SECOND)
    beat = start(command="runbeat")
    eventually(lambda: ticks() >= 2, "two ticks", PATIENCE)
    (process,) = Process.objects.all()
    assert process.kind == "beat"
    assert process.pid == beat.pid
    assert beat.stop() == 0
    assert live_processes() == []


def test_edit_by_sql_counts_within_a_second(start: Start) -> None:
    Schedule.objects.create(
        name="once a year", **{**EVERY_SECOND, "crontab": "0 0 1 1 *"}
    )
    start(command="runbeat")
    eventually(lambda: Plan.objects.filter(next_run_at__isnull=False), "", PATIENCE)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE django_bgtasks_schedule SET crontab = '* * * * * *'")
    now = vendor_of(connection).now()
    tick = eventually(lambda: Tick.objects.order_by("pk").first(), "a tick", PATIENCE)
    # The moment is the next full second, or the one after the look that noticed.
    due = vendor_of(connection).from_database(tick.due_at)
    assert due is not None
    assert due - now < timedelta(seconds=2)


def test_host_with_a_wrong_clock_sees_no_difference(start: Start, vendor: str) -> None:
    if vendor == "sqlite":
        pytest.skip("its clock is the host's")
    Schedule.objects.create(name="every second", **EVERY_SECOND)
    start(command="runbeat", wanted={"host_clock": -7200})
    tick = eventually(Tick.objects.first, "a tick", PATIENCE)
    now = vendor_of(connection).now()
    seen = vendor_of(connection).from_database(tick.ticked_at)
    assert seen is not None
    assert abs(now - seen) < timedelta(seconds=PATIENCE)


def test_worker_with_beat_runs_what_is_due(start: Start) -> None:
    Schedule.objects.create(name="every second", **EVERY_SECOND)
    worker = start("--beat", "--threads", 1)
    eventually(lambda: ticks() >= 1, "a tick", PATIENCE)
    job = Job.objects.order_by("pk")[0]
    backend_result = beat_ledger.task_backends["default"].get_result(str(job.pk))
    await_finished([backend_result])
    assert backend_result.scheduled_for is not None
    kinds = sorted(Process.objects.values_list("kind", flat=True))
    assert kinds == ["beat", "supervisor", "worker"]
    assert worker.stop() == 0
    assert live_processes() == []


@pytest.mark.once
def test_killed_beat_of_a_worker_is_replaced(start: Start) -> None:
    Schedule.objects.create(name="every second", **EVERY_SECOND)
    worker = start("--beat", "--threads", 1)
    eventually(lambda: ticks() >= 1, "a tick", PATIENCE)
    # Its row is written before it is started, and told its pid after that.
    beat = Process.objects.get(kind="beat")
    (process,) = [each for each in worker.processes() if each.pid == beat.pid]
    process.kill()
    seen = ticks()
    eventually(lambda: ticks() > seen + 1, "ticks of the next beat", PATIENCE)
    assert worker.stop() == 0


def test_burst_enqueues_what_is_due_and_runs_it(start: Start) -> None:
    now = vendor_of(connection).now()
    Schedule.objects.create(
        name="an hour ago",
        **{**EVERY_SECOND, "kind": "clocked"},
        clocked_at=public(now - timedelta(hours=1)),
    )
    worker = start("--beat", "--burst")
    assert worker.wait() == 0
    (tick,) = Tick.objects.all()
    result = beat_ledger.task_backends["default"].get_result(str(tick.job_id))
    assert result.status == "SUCCESSFUL"
    beat = start("--burst", command="runbeat")
    assert beat.wait() == 0
    assert Tick.objects.count() == 1


@pytest.mark.once
def test_burst_that_is_stopped_while_its_beat_runs_ends(start: Start) -> None:
    worker = start("--beat", "--burst")
    eventually(Process.objects.filter(kind="beat").exists, "a beat", PATIENCE)
    assert worker.stop() == 0


@pytest.mark.only_on("sqlite")
def test_burst_goes_on_when_a_declared_schedule_cannot_be_read(start: Start) -> None:
    Schedule.objects.create(
        name="an hour ago",
        **{**EVERY_SECOND, "kind": "clocked"},
        clocked_at=public(vendor_of(connection).now() - timedelta(hours=1)),
    )
    Schedule.objects.create(name="bad", origin="settings", **EVERY_SECOND)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE django_bgtasks_schedule SET latitude = 'x' WHERE name = 'bad'"
        )
    worker = start("--beat", "--burst")
    assert worker.wait() == 1
    assert "Declared schedules stay as they were" in worker.output
    (tick,) = Tick.objects.all()
    result = beat_ledger.task_backends["default"].get_result(str(tick.job_id))
    assert result.status == "SUCCESSFUL"


@pytest.mark.once
def test_bad_options_are_refused(start: Start) -> None:
    beat = start("--backend", "nowhere", command="runbeat")
    assert beat.wait() == 1
    assert "--backend nowhere" in beat.output
    beat = start("--name", "x" * 33, command="runbeat")
    assert beat.wait() == 1
    assert "--name" in beat.output


class Herd:
    """Three beats, of which one after the other is killed."""

    def __init__(self, start: Callable[[], Worker], seed: int) -> None:
        self.start = start
        self.chance = random.Random(seed)
        self.beats = [start() for _ in range(3)]
        self.killed = 0

    def kill_one(self) -> None:
        beat = self.beats.pop(self.chance.randrange(3))
        beat.send_signal(signal.SIGKILL)
        beat.wait()
        self.killed += 1
        self.beats.append(self.start())

    def await_start(self) -> None:
        # One that finds no database when it starts says so and ends.
        for beat in self.beats:
            beat.wait_for_line("Starting", PATIENCE)

    def stop(self) -> None:
        self.await_start()
        for beat in self.beats:
            assert beat.stop() == 0


@pytest.mark.slow
@pytest.mark.parametrize("speed", [1, 3600], ids=["real time", "an hour a second"])
def test_three_beats_under_kill_enqueue_each_moment_once(
    start: Start, vendor: str, speed: int, request: pytest.FixtureRequest
) -> None:
    fast, wanted = speed > 1, {}
    if fast:
        # Through the end of summer time in America, and its start in Australia.
        clock = FastClock("2026-11-01T00:00:00+00:00", time.time(), speed)
        request.addfinalizer(clock.install())
        wanted = {"clock": clock.dump()}
    beat_ledger.make(200, 8.0 * speed, fast=fast)
    first = beat_ledger.planned()
    herd = Herd(lambda: start(command="runbeat", wanted=wanted), seed=speed)
    seen = ticks()
    for number in range(5):
        eventually(lambda more=seen + 50: ticks() > more, "more ticks", PATIENCE)
        seen = ticks()
        herd.kill_one()
        if number % 2 and vendor != "sqlite":
            herd.await_start()
            cut_connections(vendor)
    herd.stop()
    until = beat_ledger.look()
    assert beat_ledger.differences(first, until) == []
    assert ticks() > 250
    assert herd.killed == 5
