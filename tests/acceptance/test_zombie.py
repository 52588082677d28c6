"""Workers that stand still until they are given up, and then go on."""

from __future__ import annotations

import signal
from collections.abc import Callable

import pytest

from django_bgtasks.models import FinishedJob, Process
from tests.testapp.tasks import record
from tests.waiting import eventually

from . import tasks
from .workers import (
    PATIENCE,
    Gate,
    Start,
    Worker,
    await_effects,
    await_end,
    await_finished,
    effects,
    lost_attempts,
    outcomes,
    stand_still,
)

SHORT = {"RESCUE_AFTER": "2s", "HEARTBEAT": 0.5}
LOST = "django_bgtasks.exceptions.TaskLost"


def await_given_up(worker: Worker) -> None:
    mine = Process.objects.filter(name__contains=f"-{worker.pid}-")
    eventually(lambda: not mine.exists(), "the worker to be given up", PATIENCE)


def test_late_finish_of_a_worker_that_was_given_up_is_refused(
    start: Start, gate: Gate
) -> None:
    result = tasks.hold.enqueue("job", str(gate))
    first = start("--threads", 1, options=SHORT)
    await_effects("job:began")
    process = first.process()
    stand_still(*first.family())
    second = start("--threads", 1, options=SHORT)
    eventually(lambda: effects()["job:began"] == 2, "the next attempt", PATIENCE)
    (lost,) = lost_attempts()
    assert lost.exception_class_path == LOST
    # Only the process goes on: its supervisor would end it at once.
    gate.open()
    process.send_signal(signal.SIGCONT)
    await_finished([result])
    await_end(process)
    first.wait_for_line("was taken for dead|Late finish", PATIENCE)
    assert result.return_value == "job"
    assert result.attempts == 2
    row = FinishedJob.objects.get()
    assert row.attempt == 2
    assert f"-{second.pid}-" in row.worker
    # With its supervisor it recovers, and takes part again.
    first.send_signal(signal.SIGCONT)
    assert second.stop() == 0
    await_finished([record.enqueue("next")])
    assert first.stop() == 0


def test_atomic_work_of_a_worker_that_was_given_up_is_rolled_back(
    start: Start, make_gate: Callable[[], Gate], vendor: str
) -> None:
    if vendor == "sqlite":
        pytest.skip("its open transaction keeps the rescuer from writing")
    gate = make_gate()
    begun = make_gate().path
    result = tasks.hold_atomic.enqueue("job", str(gate), str(begun))
    first = start("--threads", 1, options=SHORT)
    eventually(begun.exists, "the job's begin", PATIENCE)
    stand_still(*first.family())
    second = start("--threads", 1, options=SHORT)
    eventually(lambda: len(lost_attempts()) == 1, "the rescue", PATIENCE)
    gate.open()
    await_finished([result])
    first.signal_all(signal.SIGCONT)
    assert result.attempts == 2
    await_finished([record.enqueue("next")])
    assert second.stop() == 0
    assert first.stop() == 0
    assert effects()["job:done"] == 1
    assert outcomes() == {"succeeded": 2}


def test_worker_that_stood_still_in_the_midst_doubles_nothing_atomic(
    start: Start,
) -> None:
    results = tasks.work_atomic.enqueue_many(((str(n),), {}) for n in range(800))
    first = start("--processes", 2, "--threads", 2, options=SHORT)
    eventually(lambda: FinishedJob.objects.count() >= 50, "some work", PATIENCE, 0.002)
    stand_still(*first.family())
    second = start("--processes", 2, "--threads", 2, options=SHORT)
    await_given_up(first)
    first.signal_all(signal.SIGCONT)
    await_finished(results)
    done = effects()
    assert set(done.values()) == {1}
    assert len(done) == 800
    assert outcomes() == {"succeeded": 800}
    assert first.stop() == 0
    assert second.stop() == 0


def test_process_ends_when_it_was_given_up_for_its_supervisor(
    start: Start, gate: Gate
) -> None:
    """A supervisor that stands still does not say any more that it lives."""
    result = tasks.hold.enqueue("job", str(gate))
    first = start("--threads", 1, options=SHORT)
    await_effects("job:began")
    process = first.process()
    first.send_signal(signal.SIGSTOP)
    second = start("--threads", 1, options=SHORT)
    await_end(process)
    first.wait_for_line("This process was taken for dead")
    eventually(lambda: effects()["job:began"] > 1, "the next attempt", PATIENCE)
    gate.open()
    await_finished([result])
    assert result.status == "SUCCESSFUL"
    first.send_signal(signal.SIGCONT)
    await_finished([record.enqueue("next")])
    assert first.stop() == 0
    assert second.stop() == 0
