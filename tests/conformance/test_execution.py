"""How a task is called, and what becomes of what it raises."""

from __future__ import annotations

import asyncio
import logging
import threading

import pytest

from django_bgtasks.compat import TaskResultStatus
from django_bgtasks.models import Attempt, ReadyJob, RunningJob
from tests.inline import InlineWorker

from . import tasks
from .conftest import LOGGER


@pytest.mark.parametrize("name", sorted(set(tasks.ERRORS) - {"KeyboardInterrupt"}))
def test_whatever_is_raised_fails_the_job(work, name):
    result = work(tasks.fail.enqueue(name, "so it ends"))
    assert result.status == TaskResultStatus.FAILED
    (error,) = result.errors
    assert error.exception_class is tasks.ERRORS[name]
    assert error.traceback.endswith(f"{name}: so it ends\n")


def test_keyboard_interrupt_propagates_and_nothing_is_logged(work, caplog):
    result = tasks.fail.enqueue("KeyboardInterrupt")
    with caplog.at_level(logging.INFO, LOGGER), pytest.raises(KeyboardInterrupt):
        work()
    result.refresh()
    assert result.status == TaskResultStatus.READY
    assert result.errors == []
    assert [
        record for record in caplog.records if record.levelno >= logging.ERROR
    ] == []


def test_interrupted_job_is_given_back_without_losing_an_attempt(db):
    result = tasks.fail.enqueue("KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        InlineWorker().run_all()
    assert RunningJob.objects.count() == Attempt.objects.count() == 0
    assert ReadyJob.objects.get().attempt == 1
    result.refresh()
    assert result.attempts == 0


def test_function_gets_its_arguments_by_position_and_name(work):
    work(tasks.echo.enqueue(1, "two", [3], four={"4": None}))
    assert tasks.seen == [((1, "two", [3]), {"four": {"4": None}})]


def test_context_tells_of_the_job_while_it_runs(work):
    result = tasks.tell_context.using(queue_name="mail", priority=4).enqueue(5)
    told = work(result).return_value
    assert told == {
        "attempt": 1,
        "id": result.id,
        "status": "RUNNING",
        "args": [5],
        "worker_ids": result.worker_ids,
        "started": True,
        "finished": False,
        "path": tasks.tell_context.module_path,
        "queue": "mail",
        "priority": 4,
        "number": 5,
    }


def test_context_counts_the_attempts(work):
    assert work(tasks.fail_twice.enqueue()).return_value == 3


def test_function_runs_in_the_thread_that_was_given_the_job(work):
    assert work(tasks.thread_name.enqueue()).return_value == (
        threading.current_thread().name
    )


def test_coroutine_is_awaited(work):
    assert work(tasks.coroutine.enqueue(21)).return_value == 42
    assert work(tasks.coroutine_with_context.enqueue()).return_value == 1


def test_error_of_a_coroutine_is_told(work):
    (error,) = work(tasks.failing_coroutine.enqueue()).errors
    assert error.traceback.endswith("ValueError: in the coroutine\n")
    assert "/django_bgtasks/" not in error.traceback


def test_coroutine_runs_on_an_event_loop_that_is_there(db):
    from django_bgtasks.lifecycle import run

    result = tasks.coroutine.enqueue(4)
    worker = InlineWorker()
    execution = worker.start(worker.claim_one())
    outcome = asyncio.run(run.run_async(execution))
    assert worker.finish(outcome).written == [outcome]
    result.refresh()
    assert result.return_value == 8


def test_coroutine_that_is_cancelled_from_outside_tells_who_cancelled_it(db):
    from django_bgtasks.lifecycle import run

    tasks.fail.enqueue("CancelledError")
    tasks.failing_coroutine.enqueue()
    worker = InlineWorker()
    *_, job = worker.claim()
    execution = worker.start(job)

    async def cancel():
        running = asyncio.ensure_future(run.run_async(execution))
        await asyncio.sleep(0)
        running.cancel()
        await running

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(cancel())


def test_task_can_be_called_without_a_queue():
    assert tasks.coroutine.call(3) == 6
    assert asyncio.run(tasks.coroutine.acall(3)) == 6
    assert tasks.give_back.call("bytes") == b"text"


def test_jobs_are_run_by_priority_then_first_come(work):
    for priority, mark in [(0, "c"), (-50, "e"), (100, "a"), (0, "d"), (1, "b")]:
        tasks.echo.using(priority=priority).enqueue(mark)
    work()
    assert [args[0] for args, _ in tasks.seen] == ["a", "b", "c", "d", "e"]
