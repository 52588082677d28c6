"""What a worker makes of claims that take long, or were too many."""

from __future__ import annotations

import time
from typing import Any

from django.db import connection

from django_bgtasks.lifecycle.outcome import RELEASED, Outcome
from django_bgtasks.processes.claims import Claims
from django_bgtasks.processes.config import WorkerConfig

from . import tasks


def test_job_waits_in_the_worker_only_from_the_answer_on(worker):
    """Else a claim of over 100 ms would bring what is to be given back at once."""
    tasks.effect.enqueue("a")
    answered = []

    def note(execute: Any, *args: Any) -> Any:
        try:
            return execute(*args)
        finally:
            answered.append(time.monotonic())

    with connection.execute_wrapper(note):
        job = worker.claim_one()
    assert job.claimed_clock >= answered[-1]


def test_attempt_is_not_timed_from_the_answer_on(worker):
    """The database's time of a claim is from before its answer was on its way."""
    tasks.effect.enqueue("a")

    def slow(execute: Any, *args: Any) -> Any:
        try:
            return execute(*args)
        finally:
            time.sleep(0.05)

    with connection.execute_wrapper(slow):
        job = worker.claim_one()
    assert worker.vendor.now() <= job.at(time.monotonic())


def test_jobs_that_are_given_back_are_not_among_those_a_process_may_do(worker):
    """Else --max-jobs would end one that has held many behind a slow task."""
    tasks.echo.enqueue_many([((number,), {}) for number in range(3)])
    claims = Claims(WorkerConfig(), worker.vendor, worker.owner, {"default"})
    jobs = claims.turn([], 10, time.monotonic()).claimed
    assert claims.claimed == 3
    given_back = [Outcome(job, RELEASED) for job in jobs[1:]]
    claims.turn(given_back, 0, time.monotonic())
    assert claims.claimed == 1
