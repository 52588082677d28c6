"""Beats at work: what they cost, and how soon they enqueue what is due."""

from __future__ import annotations

import time
from datetime import timedelta

from django.db import connection

from django_bgtasks.models import Plan, ReadyJob, Schedule, Tick
from django_bgtasks.results import public
from django_bgtasks.vendors import vendor_of

from .figures import Figure
from .workers import WorkerProcess

_SECONDS_TO_START, _SECONDS_IDLE = 60, 20
_RARELY = "0 3 1 1 *"


def idle(count: int) -> list[Figure]:
    """What a beat costs with many schedules and nothing due."""
    _make(count)
    with WorkerProcess(["django", "runbeat", "--verbosity", "0"]) as beat:
        _await_planned(beat, count)
        time.sleep(1)
        before = beat.cpu_seconds()
        time.sleep(_SECONDS_IDLE)
        share = (beat.cpu_seconds() - before) / _SECONDS_IDLE
    return [Figure(f"idle beat, {count:,} schedules", 100 * share, "% of a core")]


def due(number: int, among: int) -> list[Figure]:
    """How long after their second all that is due is enqueued and can be seen."""
    vendor = vendor_of(connection)
    with WorkerProcess(["django", "runbeat", "--verbosity", "0"]) as beat:
        _await_planned(beat, among)
        moment = (vendor.now() + timedelta(seconds=8)).replace(microsecond=0)
        some = Schedule.objects.order_by("pk").values_list("pk", flat=True)[:number]
        Schedule.objects.filter(pk__in=list(some)).update(
            kind="clocked", clocked_at=public(moment)
        )
        while ReadyJob.objects.count() < number:
            beat.check()
            time.sleep(0.005)
        passed = (vendor.now() - moment).total_seconds()
    assert Tick.objects.count() == number
    return [Figure(f"{number:,} of {among:,} due at once, enqueued after", passed, "s")]


def _make(count: int) -> None:
    forget()
    Schedule.objects.bulk_create(
        [
            Schedule(
                name=f"schedule {number}",
                task_path="benchmarks.tasks.noop",
                args=[number],
                crontab=_RARELY,
            )
            for number in range(count)
        ],
        batch_size=1000,
    )


def _await_planned(beat: WorkerProcess, count: int) -> None:
    deadline = time.monotonic() + _SECONDS_TO_START
    while Plan.objects.filter(next_run_at__isnull=False).count() < count:
        beat.check()
        if time.monotonic() > deadline:
            raise TimeoutError("The beat did not plan the schedules in time.")
        time.sleep(0.1)


def forget() -> None:
    for model in (Tick, Plan, Schedule):
        model._default_manager.all()._raw_delete(connection.alias)
