"""After a commit of which no answer came, a worker finds out what it did."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import pytest
from django.db import DatabaseError, OperationalError

from django_bgtasks.conf import Options
from django_bgtasks.lifecycle import claim, run
from django_bgtasks.processes.board import Board
from django_bgtasks.processes.config import ChildConfig, WorkerConfig
from django_bgtasks.processes.recovery import recover
from django_bgtasks.processes.rota import Rota
from django_bgtasks.processes.worker import Worker
from django_bgtasks.upkeep.rescue import Death, rescue
from tests.inline import InlineWorker, whereabouts

from . import tasks


@pytest.fixture
def process(worker: InlineWorker, monkeypatch: pytest.MonkeyPatch) -> Iterator[Worker]:
    """The worker process of ``worker``'s row, which is not run."""
    monkeypatch.setattr(type(worker.vendor), "prepare_worker", lambda vendor: None)
    reader, writer = os.pipe()
    board, rota = Board.create(1), Rota.create()
    config = ChildConfig(
        worker=WorkerConfig(threads=1, coroutines=0),
        process_id=worker.owner.id,
        process_name=worker.owner.name,
        board=board.descriptor,
        control=reader,
        rota=rota.descriptor,
        number=1,
        sys_path=tuple(sys.path),
    )
    process = Worker(config, board, rota)
    yield process
    process.staff.stop()
    process.announcer.finish(10)
    board.close()
    rota.close()
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


def test_job_that_was_cancelled_meanwhile_is_not_given_back(worker, process):
    result = tasks.echo.enqueue()
    worker.claim_one()
    # Of which the process has not heard.
    assert result.cancel()
    process._recover()
    result.refresh()
    assert (result.outcome, result.attempts) == ("cancelled", 0)
    assert whereabouts(result) == ["FinishedJob"]


def take_away(worker):
    return rescue(worker.vendor, Death(worker.owner.id, worker.owner.name), Options())


def test_record_of_a_lost_attempt_is_not_taken_for_its_end(worker, process):
    result = tasks.echo.enqueue()
    outcome = worker.execute(worker.claim_one())
    # What the process wrote was rolled back, and then it was taken for dead.
    take_away(worker)
    process.unwritten = [outcome]
    written, left = recover(worker.vendor, worker.owner, (), process.unwritten)
    assert (written, left) == ([], [outcome])
    assert worker.finish(outcome).late == [outcome]
    assert whereabouts(result) == ["ReadyJob"]


def test_end_that_a_rescue_wrote_is_not_taken_for_its_own(worker):
    result = tasks.echo.enqueue()
    outcome = worker.execute(worker.claim_one())
    assert result.cancel()
    take_away(worker)
    written, left = recover(worker.vendor, worker.owner, (), [outcome])
    assert (written, left) == ([], [outcome])
    result.refresh()
    assert result.outcome == "cancelled"


@pytest.mark.parametrize("task", [tasks.echo, tasks.fail, tasks.fail_with_pauses])
def test_end_that_was_written_is_known_again(worker, task):
    task.enqueue()
    outcome = worker.execute(worker.claim_one())
    assert worker.finish(outcome).written == [outcome]
    assert recover(worker.vendor, worker.owner, (), [outcome]) == ([outcome], [])


def test_job_that_is_held_is_not_given_back(worker, process):
    result = tasks.echo.enqueue()
    job = worker.claim_one()
    process.staff.held[job.id] = job
    process._recover()
    assert whereabouts(result) == ["RunningJob"]


def test_outage_after_a_write_that_was_refused_is_told(committing_worker, monkeypatch):
    """Else nobody would know of what was claimed with it."""
    worker = committing_worker
    tasks.echo.enqueue(1)
    outcome = worker.execute(worker.claim_one())
    tasks.echo.enqueue(2)
    exchange, refusals = run._exchange, [DatabaseError("too long")]

    def refuse_once(*args):
        if refusals:
            raise refusals.pop()
        return exchange(*args)

    def lose(*args):
        raise OperationalError("the connection is lost")

    monkeypatch.setattr(run, "_exchange", refuse_once)
    monkeypatch.setattr(claim, "jobs", lose)
    turn = worker.turn([outcome])
    assert turn.written == [outcome]
    assert turn.broken
