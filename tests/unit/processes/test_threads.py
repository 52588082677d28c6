"""An interrupt reaches the job that it is for, or nobody."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from uuid import uuid4

import pytest

from django_bgtasks.exceptions import TaskCancelled
from django_bgtasks.lifecycle.outcome import ClaimedJob, Outcome
from django_bgtasks.lifecycle.run import Owner
from django_bgtasks.processes.board import Board
from django_bgtasks.processes.desk import Desk
from django_bgtasks.processes.threads import ThreadPool
from tests.waiting import eventually

from . import tasks


def claimed(task: object, *args: str) -> ClaimedJob:
    from django.utils import timezone

    now = timezone.now()
    return ClaimedJob(
        id=uuid4().hex,
        attempt=1,
        queue_name="default",
        rank=0,
        ready_at=now,
        task_path=task.module_path,  # type: ignore[attr-defined]
        backend="default",
        args="[]",
        kwargs="{}",
        metadata=None,
        run_after=None,
        expires_at=None,
        enqueued_at=now,
        claimed_at=now,
        claimed_clock=time.monotonic(),
    )


class Pool:
    def __init__(self, threads: int) -> None:
        self.desk = Desk()
        self.board = Board.create(threads)
        self.threads = ThreadPool(
            threads, self.desk, self.board, Owner(1, "worker"), "default"
        )
        self.outcomes: list[Outcome] = []

    def collect(self) -> list[Outcome]:
        self.outcomes += self.desk.collect()
        return self.outcomes


@pytest.fixture
def pool() -> Iterator[Pool]:
    pool = Pool(threads=2)
    yield pool
    pool.threads.stop()
    for thread in pool.threads._threads:
        thread.join(10)
    pool.board.close()


def test_every_job_comes_back_once_whenever_it_is_interrupted(pool: Pool) -> None:
    """The interrupts come at any moment: before the task, in it, and after it."""
    jobs = [claimed(tasks.nothing) for _ in range(1500)]
    for job in jobs:
        pool.threads.put(job)
    deadline = time.monotonic() + 60
    while len(pool.collect()) < len(jobs) and time.monotonic() < deadline:
        for slot, execution in pool.threads.running():
            slot.interrupt(execution, TaskCancelled)
        time.sleep(random.random() * 0.0003)
    assert len(pool.outcomes) == len(jobs)
    assert {outcome.job.id for outcome in pool.outcomes} == {job.id for job in jobs}
    kinds = {outcome.kind for outcome in pool.outcomes}
    assert "succeeded" in kinds
    assert kinds <= {"succeeded", "cancelled"}
    assert pool.board.begun() == {}


def test_interrupt_comes_once(pool: Pool) -> None:
    """What a task does to clean up is not interrupted again."""
    tasks.begun.clear()
    tasks.let_go.clear()
    pool.threads.put(claimed(tasks.clean_up_slowly))
    assert tasks.begun.wait(30)
    ((slot, execution),) = pool.threads.running()
    assert slot.interrupt(execution, TaskCancelled)
    assert tasks.cleaning.wait(30)
    assert not slot.interrupt(execution, TaskCancelled)
    tasks.let_go.set()
    eventually(pool.collect)
    (outcome,) = pool.outcomes
    assert outcome.kind == "succeeded"
    assert outcome.return_value == '"cleaned up"'


def test_job_that_has_ended_cannot_be_interrupted(pool: Pool) -> None:
    tasks.begun.clear()
    tasks.let_go.clear()
    pool.threads.put(claimed(tasks.wait_to_be_let_go))
    assert tasks.begun.wait(30)
    ((slot, execution),) = pool.threads.running()
    tasks.let_go.set()
    eventually(pool.collect)
    assert not slot.interrupt(execution, TaskCancelled)
    assert threading.active_count() >= 2
    pool.threads.put(claimed(tasks.nothing))
    eventually(lambda: len(pool.collect()) == 2)
    assert pool.outcomes[1].kind == "succeeded"
