"""Stopping: what runs may end, the rest is given back, nothing is lost."""

from __future__ import annotations

import os
import signal
import time
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import OperationalError

from django_bgtasks.compat import task_backends
from django_bgtasks.models import Attempt, DeferredJob, Process, ReadyJob, RunningJob
from django_bgtasks.processes.config import WorkerConfig
from django_bgtasks.processes.supervisor import Supervisor
from django_bgtasks.upkeep.presence import Arrival, arrive
from django_bgtasks.vendors import vendor_of
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
    live_processes,
)

STOP_SIGNALS = [signal.SIGTERM, signal.SIGINT]


def assert_given_back(*results: object) -> None:
    """They are ready as if nobody had ever claimed them."""
    for result in results:
        result.refresh()  # type: ignore[attr-defined]
        assert result.status == "READY"  # type: ignore[attr-defined]
        assert result.attempts == 0  # type: ignore[attr-defined]
    assert RunningJob.objects.count() == 0
    assert Attempt.objects.count() == 0


@pytest.mark.parametrize("number", STOP_SIGNALS)
@pytest.mark.once
def test_stop_lets_a_running_job_end_and_begins_no_other(
    start: Start, gate: Gate, number: int
) -> None:
    deferred = record.using(run_after=timedelta(hours=1)).enqueue("deferred")
    running = tasks.hold_until_told.enqueue("running", str(gate))
    worker = start("--threads", 1)
    await_effects("running:began")
    waiting = [record.enqueue(f"waiting {each}") for each in range(5)]
    worker.send_signal(number)
    await_effects("running:told")
    gate.open()
    assert worker.wait() == 0
    running.refresh()
    assert running.status == "SUCCESSFUL"
    assert running.attempts == 1
    assert_given_back(*waiting)
    deferred.refresh()
    assert deferred.status == "READY"
    assert DeferredJob.objects.count() == 1
    assert effects() == {f"running:{what}": 1 for what in ("began", "told", "ended")}
    assert live_processes() == []


def test_stop_gives_back_what_was_claimed_and_not_begun(
    start: Start, gate: Gate
) -> None:
    """Many short jobs let a worker claim ahead; then it is stopped amid them."""
    quick = record.enqueue_many(((f"quick {each}",), {}) for each in range(200))
    running = tasks.hold_until_told.enqueue("running", str(gate))
    later = record.enqueue_many(((f"later {each}",), {}) for each in range(50))
    worker = start("--threads", 1)
    await_effects("running:began")
    worker.send_signal(signal.SIGTERM)
    await_effects("running:told")
    eventually(lambda: ReadyJob.objects.count() == 50, "the rest to be given back")
    gate.open()
    assert worker.wait() == 0
    await_finished([*quick, running])
    assert_given_back(*later)
    assert ReadyJob.objects.count() == 50


def test_job_longer_than_the_grace_is_given_back(start: Start, gate: Gate) -> None:
    results = [
        tasks.hold.enqueue("in a thread", str(gate)),
        tasks.hold_async.enqueue("in the loop", str(gate)),
    ]
    worker = start("--grace", 0.2)
    await_effects("in a thread:began", "in the loop:began")
    assert worker.stop() == 0
    assert_given_back(*results)
    gate.open()
    start("--burst").wait()
    for result in results:
        result.refresh()
        assert result.status == "SUCCESSFUL"
        assert result.attempts == 1


def test_atomic_job_that_is_given_back_leaves_nothing(
    start: Start, gate: Gate, make_gate: object
) -> None:
    begun = make_gate().path  # type: ignore[operator]
    result = tasks.hold_atomic.enqueue("long", str(gate), str(begun))
    worker = start("--grace", 0.2)
    eventually(begun.exists, "the job's begin", PATIENCE)
    assert worker.stop() == 0
    assert effects() == {}
    assert_given_back(result)
    gate.open()
    start("--burst").wait()
    result.refresh()
    assert result.status == "SUCCESSFUL"
    assert effects() == {"long:done": 1}


@pytest.mark.parametrize("number", STOP_SIGNALS)
@pytest.mark.once
def test_second_signal_ends_at_once(start: Start, gate: Gate, number: int) -> None:
    results = [tasks.hold.enqueue(f"job {each}", str(gate)) for each in range(2)]
    results.append(tasks.hold_async.enqueue("job 2", str(gate)))
    worker = start("--grace", 600)
    await_effects("job 0:began", "job 1:began", "job 2:began")
    worker.send_signal(number)
    worker.wait_for_line("Stopping")
    worker.send_signal(number)
    assert worker.wait() == 0
    assert_given_back(*results)


def test_storm_of_signals_to_everybody_loses_nothing(start: Start) -> None:
    """As from a process manager that signals the whole group, again and again."""
    results = tasks.work_atomic.enqueue_many(((str(each),), {}) for each in range(600))
    worker = start("--processes", 2, "--threads", 2, "--grace", 600)
    eventually(lambda: len(effects()) > 50, "some work", PATIENCE, 0.002)
    for _ in range(30):
        worker.signal_all(signal.SIGTERM)
        worker.signal_all(signal.SIGINT)
    # The last signals may meet a supervisor that has ended already.
    assert worker.wait() in {0, -signal.SIGTERM, -signal.SIGINT}
    assert RunningJob.objects.count() == 0
    assert Attempt.objects.count() == 0
    start("--burst", "--threads", 2).wait()
    await_finished(results)
    assert set(effects().values()) == {1}
    assert len(effects()) == 600
    assert {result.attempts for result in results} == {1}


@pytest.mark.once
def test_process_that_is_told_to_stop_alone_is_replaced(
    start: Start, gate: Gate
) -> None:
    result = tasks.hold.enqueue("job", str(gate))
    worker = start("--threads", 1)
    await_effects("job:began")
    first = worker.process()
    os.kill(first.pid, signal.SIGTERM)
    gate.open()
    await_finished([result])
    assert result.status == "SUCCESSFUL"
    await_end(first)
    await_finished([record.enqueue("next")])
    assert worker.process().pid != first.pid
    assert worker.stop() == 0


@pytest.mark.once
def test_signal_before_any_process_is_ready_stops_as_well(start: Start) -> None:
    worker = start("--processes", 2)
    worker.wait_for_line("Starting")
    assert worker.stop() == 0
    assert live_processes() == []


@pytest.mark.once
def test_command_leaves_the_signals_of_its_caller_alone(
    worker_env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in worker_env.items():
        monkeypatch.setenv(name, value)
    numbers = (*STOP_SIGNALS, signal.SIGCHLD)
    before = [signal.getsignal(number) for number in numbers]
    result = record.enqueue("job")
    with pytest.raises(SystemExit, match="0"):
        call_command("runworker", "--burst", "--no-reload")
    assert [signal.getsignal(number) for number in numbers] == before
    result.refresh()
    assert result.status == "SUCCESSFUL"


@pytest.mark.once
def test_task_that_is_asked_to_stop_goes_on_in_another_worker(start: Start) -> None:
    result = tasks.continue_elsewhere.enqueue("job")
    worker = start("--threads", 1, "--grace", 600)
    await_effects("job:attempt 1")
    assert worker.stop() == 0
    start("--burst").wait()
    result.refresh()
    assert result.return_value == 2


@pytest.mark.django_db(transaction=True)
def test_supervisor_that_stops_just_after_an_outage_leaves_no_row() -> None:
    """It waits for its next attempt then, and the database is there."""
    backend = task_backends["default"]
    supervisor = Supervisor(WorkerConfig())
    own = Arrival(kind="supervisor", name=supervisor.name, pid=1)
    supervisor.process_id = arrive(vendor_of(backend.connection), own)
    pause = supervisor.outage.note(OperationalError("away"))
    supervisor._next_try = time.monotonic() + 3600 * pause
    supervisor.ask_to_stop()
    assert supervisor.run() == 0
    assert not Process.objects.exists()
