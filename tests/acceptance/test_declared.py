"""Schedules of code and settings, from beats that start to jobs that ran."""

from __future__ import annotations

from typing import Any

import pytest

from django_bgtasks.models import FinishedJob, Schedule, Tick
from tests.waiting import eventually

from .workers import PATIENCE, Start

pytestmark = pytest.mark.django_db(transaction=True)

HERE = "tests.acceptance.declared_tasks"
IN_SETTINGS = {"task": "tests.testapp.tasks.record", "args": ["key"]}
DECLARED = {
    "options": {
        "TASK_MODULES": [HERE],
        "SCHEDULES": {"in settings": {**IN_SETTINGS, "every": 1}},
    }
}


def ran(name: str) -> bool:
    jobs = Tick.objects.filter(schedule__name=name).values("job_id")
    return FinishedJob.objects.filter(job_id__in=jobs, outcome="succeeded").exists()


def states() -> dict[str, Any]:
    return dict(Schedule.objects.values_list("name", "enabled"))


@pytest.mark.once
def test_declared_schedules_run_and_end_with_their_declarations(start: Start) -> None:
    beats = [start(command="runbeat", wanted=DECLARED) for _ in range(2)]
    worker = start("--beat", wanted=DECLARED)
    for name in ("in code", "in settings"):
        eventually(lambda name=name: ran(name), f"a job of {name}", PATIENCE)
    origins = Schedule.objects.values_list("name", "origin").order_by("name")
    assert list(origins) == [("in code", "code"), ("in settings", "settings")]
    for each in (*beats, worker):
        # One that nothing was left for may only just begin.
        each.wait_for_line("Starting")
        assert each.stop() == 0
    Schedule.objects.filter(name="in settings").update(enabled=False)

    without = {"options": {"SCHEDULES": DECLARED["options"]["SCHEDULES"]}}
    beat = start(command="runbeat", wanted=without)
    eventually(lambda: not states()["in code"], "it to be disabled", PATIENCE)
    assert beat.stop() == 0

    start(command="runbeat", wanted=DECLARED)
    eventually(lambda: states()["in code"], "it to be back", PATIENCE)
    assert states() == {"in code": True, "in settings": False}


@pytest.mark.once
def test_beat_does_not_start_with_a_wrong_schedule(start: Start) -> None:
    wrong = {
        "options": {"SCHEDULES": {"mine": {**IN_SETTINGS, "crontab": "0 0 30 2 *"}}}
    }
    beat = start(command="runbeat", wanted=wrong)
    beat.wait_for_line("E014.*never due")
    assert beat.wait() == 1
