"""After a commit of which no answer came, a worker finds out what it did."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import pytest

from django_bgtasks.lifecycle import run
from django_bgtasks.processes.board import Board
from django_bgtasks.processes.config import ChildConfig, WorkerConfig
from django_bgtasks.processes.worker import Worker
from tests.inline import InlineWorker, whereabouts

from . import tasks


@pytest.fixture
def process(worker: InlineWorker, monkeypatch: pytest.MonkeyPatch) -> Iterator[Worker]:
    """The worker process of ``worker``'s row, which is not run."""
    monkeypatch.setattr(type(worker.vendor), "prepare_worker", lambda vendor: None)
    reader, writer = os.pipe()
    board = Board.create(1)
    config = ChildConfig(
        worker=WorkerConfig(threads=1, coroutines=0),
        process_id=worker.owner.id,
        process_name=worker.owner.name,
        board=board.descriptor,
        control=reader,
        sys_path=tuple(sys.path),
    )
    process = Worker(config, board)
    yield process
    process.staff.stop()
    process.announcer.finish(10)
    board.close()
    os.close(reader)
    os.close(writer)


def test_job_that_was_claimed_again_with_its_own_retry_is_given_back(worker, process):
    result = tasks.fail_at_once.enqueue()
    outcome = worker.execute(worker.claim_one())
    run.turn(worker.vendor, worker.owner, [outcome])
    (again,) = worker.claim()
    assert again.attempt == 2
    # Of both the process has not heard.
    process.unwritten = [outcome]
    process._recover()
    assert whereabouts(result) == ["ReadyJob"]
    assert worker.finish(outcome).written == []
    assert worker.claim_one().attempt == 2


def test_job_that_is_held_is_not_given_back(worker, process):
    result = tasks.echo.enqueue()
    job = worker.claim_one()
    process.staff.held[job.id] = job
    process._recover()
    assert whereabouts(result) == ["RunningJob"]
