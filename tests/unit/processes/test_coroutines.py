"""The event loop serves every job, whatever one of them does."""

from __future__ import annotations

import time
from collections.abc import Iterator
from uuid import uuid4

import pytest
from django.utils import timezone

from django_bgtasks.lifecycle.execute import plan_for
from django_bgtasks.lifecycle.outcome import SUCCEEDED, ClaimedJob
from django_bgtasks.lifecycle.run import Owner
from django_bgtasks.processes.board import Board
from django_bgtasks.processes.coroutines import Coroutines
from django_bgtasks.processes.desk import Desk
from tests.waiting import eventually

from . import tasks


@pytest.fixture
def board() -> Iterator[Board]:
    board = Board.create(tasks.meeting.parties)
    yield board
    board.close()


def claimed(path: str) -> ClaimedJob:
    now = timezone.now()
    return ClaimedJob(
        id=uuid4().hex,
        attempt=1,
        queue_name="default",
        rank=0,
        ready_at=now,
        task_path=path,
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


def test_exit_in_a_coroutine_that_a_task_has_started_ends_no_other_job(
    board: Board,
) -> None:
    desk = Desk()
    loop = Coroutines(desk, board, Owner(1, "worker"), range(2))
    outcomes = []
    for _ in range(2):
        path = tasks.start_one_that_exits.module_path
        loop.put([(claimed(path), plan_for(path, "default"))])
        found = eventually(desk.collect, "the job to end, whose child exits", 10)
        outcomes += [outcome.kind for outcome in found]
    assert outcomes == [SUCCEEDED, SUCCEEDED]


def test_as_many_run_at_once_as_there_are_places(board: Board) -> None:
    desk, places = Desk(), tasks.meeting.parties
    loop = Coroutines(desk, board, Owner(1, "worker"), range(places))
    path = tasks.meet.module_path
    plan = plan_for(path, "default")
    loop.put([(claimed(path), plan) for _ in range(places)])
    ended = eventually(lambda: len(desk.outcomes) == places, "all to meet", 10)
    assert ended
    assert {outcome.kind for outcome in desk.collect()} == {SUCCEEDED}
