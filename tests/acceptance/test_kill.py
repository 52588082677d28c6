"""Nothing is lost by kill -9, at any point, and nothing atomic is doubled."""

from __future__ import annotations

import os
import signal

import pytest
from django.db import transaction

from django_bgtasks.models import FinishedJob, RunningJob
from tests.waiting import eventually

from . import tasks
from .workers import (
    PATIENCE,
    Gate,
    Start,
    await_effects,
    await_empty,
    await_end,
    await_finished,
    effects,
    live_processes,
    lost_attempts,
    outcomes,
    unfinished,
)

# A host is given up as soon as the settings allow.
SHORT = {"RESCUE_AFTER": "2s", "HEARTBEAT": 0.5}


def enqueue_thousand() -> None:
    keys = [f"{number:04}" for number in range(1000)]
    for some, task in (
        (keys[0:500], tasks.work),
        (keys[500:900], tasks.work_atomic),
        (keys[900:1000], tasks.work_and_pass_on),
    ):
        for part in (some[0::2], some[1::2]):
            task.using(priority=int(part[0]) % 2).enqueue_many(
                ((key,), {}) for key in part
            )


def check_thousand() -> None:
    """All was done; what is atomic was done once."""
    done = effects()
    assert {f"{number:04}" for number in range(1000)} <= set(done)
    atomic = [f"{number:04}" for number in range(500, 1000)]
    assert {key: done[key] for key in atomic if done[key] != 1} == {}
    # Jobs that atomic jobs enqueued: one each, and each has run.
    assert FinishedJob.objects.count() == 1100
    assert {f"{number:04}:passed on" for number in range(900, 1000)} <= set(done)
    assert outcomes() == {"succeeded": 1100}


def await_some_finished(number: int) -> None:
    eventually(
        lambda: FinishedJob.objects.count() >= number,
        f"{number} finished jobs",
        PATIENCE,
        0.002,
    )


def test_killed_processes_lose_nothing_and_double_nothing_atomic(start: Start) -> None:
    enqueue_thousand()
    worker = start("--processes", 2, "--threads", 2)
    for number in (50, 350, 650):
        await_some_finished(number)
        for process in worker.processes():
            process.kill()
        assert unfinished()
    await_empty()
    check_thousand()
    assert worker.stop() == 0
    assert live_processes() == []


@pytest.mark.parametrize("whom", ["supervisor", "everybody"])
def test_killed_host_loses_nothing(start: Start, whom: str) -> None:
    enqueue_thousand()
    worker = start("--processes", 2, "--threads", 2, options=SHORT)
    await_some_finished(100)
    if whom == "everybody":
        worker.signal_all(signal.SIGKILL)
    else:
        os.kill(worker.pid, signal.SIGKILL)
    worker.wait()
    assert unfinished()
    # Orphans end by themselves: that no process is left is seen to by ``start``.
    other = start("--processes", 2, "--threads", 2, options=SHORT)
    await_empty()
    check_thousand()
    eventually(lambda: len(live_processes()) == 2, "the rows of the dead to go")
    assert other.stop() == 0
    assert live_processes() == []


def test_killed_process_loses_the_attempts_it_had_begun(
    start: Start, gate: Gate
) -> None:
    begun = tasks.hold.enqueue("begun", str(gate))
    worker = start("--threads", 1)
    await_effects("begun:began")
    begun.refresh()
    (first_worker,) = begun.worker_ids
    worker.process().kill()
    eventually(lambda: effects()["begun:began"] == 2, "the next attempt", PATIENCE)
    (lost,) = lost_attempts()
    assert lost.job_id.hex == begun.id.replace("-", "")
    assert lost.attempt == 1
    assert lost.worker == first_worker
    gate.open()
    await_finished([begun])
    assert begun.return_value == "begun"
    assert begun.attempts == 2
    (error,) = begun.errors
    assert error.exception_class_path == "django_bgtasks.exceptions.TaskLost"
    assert first_worker in error.traceback
    assert begun.worker_ids[0] == first_worker != begun.worker_ids[1]
    assert worker.stop() == 0


@pytest.mark.once
def test_killed_host_loses_the_attempts_of_its_jobs(start: Start, gate: Gate) -> None:
    result = tasks.hold.enqueue("job", str(gate))
    worker = start("--threads", 1, options=SHORT)
    await_effects("job:began")
    worker.signal_all(signal.SIGKILL)
    worker.wait()
    gate.open()
    start("--threads", 1, options=SHORT)
    await_finished([result])
    assert result.return_value == "job"
    assert result.attempts == 2
    assert [each.exception_class_path for each in result.errors] == [
        "django_bgtasks.exceptions.TaskLost"
    ]


@pytest.mark.once
def test_orphans_give_their_jobs_back_before_they_end(start: Start, gate: Gate) -> None:
    result = tasks.hold.enqueue("job", str(gate))
    options = {"HEARTBEAT": 0.5}
    worker = start("--threads", 1, options=options)
    await_effects("job:began")
    orphan = worker.process()
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait()
    await_end(orphan)
    gate.open()
    # Its host is not given up yet, so only what was given back can run.
    start("--threads", 1, options=options)
    await_finished([result])
    assert result.return_value == "job"
    assert result.attempts == 1


@pytest.mark.only_on("postgresql", "mysql", "mariadb")
def test_job_that_a_session_still_holds_is_rescued_when_that_lets_go(
    start: Start, gate: Gate
) -> None:
    """As the session of a killed process does, until the server has noticed."""
    result = tasks.hold.enqueue("job", str(gate))
    worker = start("--threads", 1)
    await_effects("job:began")
    process = worker.process()
    (row,) = live_processes()
    with transaction.atomic():
        RunningJob.objects.select_for_update().get(pk=result.id)
        process.kill()
        # The supervisor neither waits for the row nor forgets the job.
        (successor,) = eventually(
            lambda: [each for each in live_processes() if each.pk != row.pk],
            "the next process",
            PATIENCE,
        )
    gate.open()
    await_finished([result])
    (lost,) = lost_attempts()
    assert lost.worker == row.name
    assert FinishedJob.objects.get().worker == successor.name
    assert worker.stop() == 0
