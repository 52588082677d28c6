"""Cancelling what waits, what runs, and what is just about to end."""

from __future__ import annotations

import signal
from datetime import timedelta
from typing import Any

import pytest

from django_bgtasks.models import FinishedJob
from tests.testapp.tasks import record
from tests.waiting import eventually

from . import tasks
from .workers import (
    Gate,
    Start,
    await_effects,
    await_finished,
    effects,
    stand_still,
    unfinished,
)

CANCELLED = "django_bgtasks.exceptions.TaskCancelled"


def paths(result: Any) -> list[str]:
    return [error.exception_class_path for error in result.errors]


@pytest.mark.once
def test_waiting_job_is_cancelled_at_once_and_never_runs(
    start: Start, gate: Gate
) -> None:
    waiting = record.enqueue("waiting")
    deferred = record.using(run_after=timedelta(hours=1)).enqueue("deferred")
    assert waiting.cancel()
    assert deferred.cancel()
    for result in (waiting, deferred):
        assert result.status == "FAILED"
        assert result.outcome == "cancelled"
        assert result.attempts == 0
    start("--burst").wait()
    assert effects() == {}
    assert not waiting.cancel()


def test_running_thread_is_interrupted(start: Start) -> None:
    result = tasks.loop_until_cancelled.enqueue("job")
    worker = start("--threads", 1)
    await_effects("job:began")
    process = worker.process()
    assert result.cancel()
    await_finished([result])
    assert result.status == "FAILED"
    assert result.outcome == "cancelled"
    assert paths(result) == [CANCELLED]
    assert result.attempts == 1
    assert effects() == {"job:began": 1, "job:TaskCancelled": 1}
    # The thread serves on.
    await_finished([record.enqueue("next")])
    assert worker.process().pid == process.pid
    assert worker.stop() == 0


@pytest.mark.once
def test_running_coroutine_is_cancelled(start: Start) -> None:
    result = tasks.wait_until_cancelled.enqueue("job")
    worker = start()
    await_effects("job:began")
    assert result.cancel()
    await_finished([result])
    assert result.outcome == "cancelled"
    assert paths(result) == [CANCELLED]
    assert effects() == {"job:began": 1, "job:cancelled": 1}
    assert worker.stop() == 0


@pytest.mark.once
def test_task_is_asked_to_stop_and_may_end_well(start: Start) -> None:
    result = tasks.loop_until_asked_to_stop.enqueue("job")
    start("--threads", 1)
    await_effects("job:began")
    assert result.cancel()
    await_finished([result])
    # It has caught the exception, and ended in its own way.
    assert effects()["job:TaskCancelled"] == 1
    assert result.status == "SUCCESSFUL"
    assert result.return_value == "should_stop=True"


@pytest.mark.once
def test_cancelled_job_is_not_retried_whatever_it_raises(start: Start) -> None:
    result = tasks.fail_when_cancelled.enqueue("job")
    start("--threads", 1)
    await_effects("job:began")
    assert result.cancel()
    await_finished([result])
    assert result.status == "FAILED"
    assert result.attempts == 1
    assert effects() == {"job:began": 1}


def test_atomic_job_that_is_cancelled_is_rolled_back(
    start: Start, gate: Gate, vendor: str
) -> None:
    if vendor == "sqlite":
        pytest.skip("its open transaction keeps the test from writing the wish")
    held = gate.path.with_name("held")
    result = tasks.hold_atomic.enqueue("job", str(gate), str(held))
    start("--threads", 1)
    eventually(held.exists)
    assert result.cancel()
    await_finished([result])
    assert result.outcome == "cancelled"
    assert effects() == {}


@pytest.mark.parametrize("task", [tasks.hold, tasks.hold_async])
@pytest.mark.once
def test_job_that_ignores_being_cancelled_ends_with_its_process(
    start: Start, gate: Gate, task: Any
) -> None:
    stubborn = tasks.ignore_everything.enqueue("stubborn", str(gate))
    beside = task.enqueue("beside", str(gate))
    worker = start("--threads", 2, options={"TIMEOUT_GRACE": 0.3})
    await_effects("stubborn:began", "beside:began")
    process = worker.process()
    assert stubborn.cancel()
    await_finished([stubborn])
    assert stubborn.outcome == "cancelled"
    gate.open()
    await_finished([beside])
    assert beside.status == "SUCCESSFUL"
    assert beside.attempts == 1
    assert worker.process().pid != process.pid


def test_cancelled_job_of_a_stopping_worker_does_not_run_again(
    start: Start, gate: Gate
) -> None:
    """The wish outlives the worker that had no time to fulfil it."""
    result = tasks.ignore_everything.enqueue("job", str(gate))
    worker = start("--threads", 1, "--grace", 0.1)
    await_effects("job:began")
    process = worker.process()
    stand_still(process)
    assert result.cancel()
    worker.send_signal(signal.SIGTERM)
    process.send_signal(signal.SIGCONT)
    assert worker.wait() == 0
    start("--burst").wait()
    result.refresh()
    assert result.outcome == "cancelled"
    assert effects() == {"job:began": 1}


def test_cancelled_job_of_a_killed_worker_does_not_run_again(
    start: Start, gate: Gate
) -> None:
    result = tasks.hold.enqueue("job", str(gate))
    worker = start("--threads", 1)
    await_effects("job:began")
    process = worker.process()
    stand_still(process)
    assert result.cancel()
    process.kill()
    await_finished([result])
    assert result.outcome == "cancelled"
    assert effects() == {"job:began": 1}
    assert worker.stop() == 0


def test_race_of_cancel_and_finish_has_one_winner(start: Start) -> None:
    worker = start("--processes", 2, "--threads", 2)
    results = []
    told = []
    for number in range(150):
        result = tasks.work.enqueue(str(number))
        results.append(result)
        if number % 3:
            # Let it come a little further each time.
            for _ in range(number % 5):
                unfinished()
        told.append(result.cancel())
    await_finished(results)
    done = effects()
    assert FinishedJob.objects.count() == 150
    for number, (result, in_time) in enumerate(zip(results, told, strict=True)):
        if result.outcome == "succeeded":
            assert done[str(number)] == 1
        else:
            assert result.outcome == "cancelled"
            assert in_time
    assert set(done.values()) <= {1}
    assert unfinished() == 0
    assert worker.stop() == 0
