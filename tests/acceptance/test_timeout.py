"""Time limits: first the task is told, then its process is replaced."""

from __future__ import annotations

from typing import Any

import pytest

from django_bgtasks.models import Attempt
from tests.testapp.tasks import record
from tests.waiting import eventually

from . import tasks
from .workers import (
    PATIENCE,
    Gate,
    Start,
    await_effects,
    await_end,
    await_finished,
    effects,
    outcomes,
)

TIMEOUT = "django_bgtasks.exceptions.TaskTimeout"
# A task that does not yield is given up soon.
SOON = {"TIMEOUT_GRACE": 0.3}


def paths(result: Any) -> list[str]:
    return [error.exception_class_path for error in result.errors]


@pytest.mark.once
def test_task_is_told_that_its_time_is_over_and_cleans_up(start: Start) -> None:
    result = tasks.loop_over_time.enqueue("job")
    worker = start("--threads", 1)
    await_finished([result])
    assert result.status == "FAILED"
    assert paths(result) == [TIMEOUT]
    assert "ran longer than its timeout of 0.3 s" in result.errors[0].traceback
    assert effects() == {"job:TaskTimeout": 1, "job:cleaned up": 1}
    # The thread has not suffered.
    process = worker.process()
    await_finished([record.enqueue("next")])
    assert worker.process().pid == process.pid
    assert worker.stop() == 0


def test_atomic_task_over_time_is_rolled_back(start: Start) -> None:
    """Also where a transaction keeps everybody else from writing."""
    result = tasks.loop_over_time_atomic.enqueue("job")
    worker = start("--threads", 1)
    await_finished([result])
    assert result.status == "FAILED"
    assert paths(result) == [TIMEOUT]
    assert effects() == {}
    assert worker.stop() == 0


@pytest.mark.once
def test_process_of_a_task_that_does_not_yield_is_replaced(
    start: Start, gate: Gate
) -> None:
    stubborn = tasks.sleep_over_time.enqueue("stubborn")
    beside = tasks.hold.enqueue("beside", str(gate))
    beside_async = tasks.hold_async.enqueue("beside, async", str(gate))
    worker = start("--threads", 3, options=SOON)
    await_effects("stubborn:began", "beside:began", "beside, async:began")
    process = worker.process()
    await_finished([stubborn])
    assert stubborn.status == "FAILED"
    assert paths(stubborn) == [TIMEOUT]
    assert stubborn.attempts == 1
    await_end(process)
    gate.open()
    await_finished([beside, beside_async])
    assert worker.process().pid != process.pid
    # They did nothing wrong, so they have lost nothing.
    for result in (beside, beside_async):
        assert result.status == "SUCCESSFUL"
        assert result.attempts == 1
        assert result.errors == []
    assert Attempt.objects.count() == 1
    assert worker.stop() == 0


@pytest.mark.once
def test_task_that_does_not_yield_is_retried_as_it_asks(start: Start) -> None:
    result = tasks.sleep_over_time_once.enqueue("job")
    start("--threads", 1, options=SOON)
    await_finished([result])
    assert result.return_value == "job"
    assert paths(result) == [TIMEOUT]
    assert result.attempts == 2


@pytest.mark.once
def test_process_whose_interpreter_is_held_is_killed_by_its_supervisor(
    start: Start, gate: Gate
) -> None:
    """The process itself cannot even notice."""
    beside = tasks.hold.enqueue("beside", str(gate))
    holder = tasks.hold_interpreter.enqueue("holder")
    worker = start("--threads", 2, options={**SOON, "MAX_LOST": 1})
    await_effects("beside:began", "holder:began")
    worker.wait_for_line("outstays a timeout and is killed", PATIENCE)
    await_finished([holder])
    gate.open()
    await_finished([beside])
    assert holder.status == "FAILED"
    assert paths(holder) == [TIMEOUT]
    assert beside.status == "SUCCESSFUL"
    assert beside.attempts == 1
    assert beside.errors == []
    assert worker.stop() == 0


@pytest.mark.once
def test_coroutine_over_time_is_cancelled_and_cleans_up(start: Start) -> None:
    result = tasks.sleep_over_time_async.enqueue("job")
    worker = start()
    await_finished([result])
    process = worker.process()
    assert result.status == "FAILED"
    assert paths(result) == [TIMEOUT]
    assert effects() == {"job:cleaned up": 1}
    await_finished([tasks.write_async.enqueue("next")])
    assert worker.process().pid == process.pid


@pytest.mark.once
def test_process_whose_event_loop_is_blocked_is_replaced(
    start: Start, gate: Gate
) -> None:
    waiting = tasks.hold_async.enqueue("waiting", str(gate))
    worker = start(options=SOON)
    await_effects("waiting:began")
    process = worker.process()
    blocker = tasks.block_loop.enqueue("blocker")
    await_finished([blocker])
    assert blocker.status == "FAILED"
    assert paths(blocker) == [TIMEOUT]
    await_end(process)
    gate.open()
    await_finished([waiting])
    assert waiting.status == "SUCCESSFUL"
    assert waiting.attempts == 1


@pytest.mark.once
def test_default_timeout_of_the_settings_applies(start: Start, gate: Gate) -> None:
    result = tasks.hold.enqueue("job", str(gate))
    start(options={"TIMEOUT": 0.3})
    await_finished([result])
    assert paths(result) == [TIMEOUT]


@pytest.mark.once
def test_interrupted_thread_is_not_haunted(start: Start) -> None:
    """An interrupt that comes as the task ends must not reach the next one."""
    results = []
    for number in range(24):
        results.append(tasks.end_at_its_limit.enqueue(number))
        results.append(record.enqueue(f"innocent {number}"))
    worker = start("--threads", 2, options={"TIMEOUT_GRACE": 5})
    await_finished(results)
    for result in results[1::2]:
        assert result.status == "SUCCESSFUL", result.errors
    for result in results[0::2]:
        assert result.status == "SUCCESSFUL" or paths(result) == [TIMEOUT]
    assert sum(outcomes().values()) == 48
    eventually(lambda: len(worker.processes()) == 1, "the one process")
    assert worker.stop() == 0


@pytest.mark.only_on("sqlite")
def test_holder_of_the_only_write_lock_does_not_block_its_worker(
    start: Start, gate: Gate
) -> None:
    """It looks for jobs meanwhile, and cannot, yet keeps an eye on the clock."""
    result = tasks.hold_write_lock.enqueue("job", str(gate))
    worker = start("--threads", 2, options={"TIMEOUT": 2})
    await_finished([result])
    assert paths(result) == [TIMEOUT]
    assert worker.stop() == 0


@pytest.mark.only_on("sqlite")
def test_holder_of_the_only_write_lock_can_be_stopped(start: Start, gate: Gate) -> None:
    result = tasks.hold_write_lock.enqueue("job", str(gate))
    gate_of_lock = gate.path.with_name("held")
    worker = start("--threads", 2, "--grace", 0.1)
    eventually(gate_of_lock.exists, "the lock to be held", PATIENCE)
    worker.stop()
    result.refresh()
    assert result.status == "READY"
    assert result.attempts == 0
