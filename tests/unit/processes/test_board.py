from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest

from django_bgtasks.processes.board import Board

ONE, OTHER = uuid4(), uuid4()


@pytest.fixture
def board() -> Iterator[Board]:
    board = Board.create(3)
    yield board
    board.close()


def test_new_board_is_empty(board: Board) -> None:
    assert board.begun() == {}


def test_begun_jobs_stand_on_it_until_they_end(board: Board) -> None:
    board.begin(0, ONE.hex, None)
    board.begin(2, OTHER.hex, 12.5)
    assert board.begun() == {ONE: 0.0, OTHER: 12.5}
    board.end(0)
    assert board.begun() == {OTHER: 12.5}


def test_job_has_no_deadline_of_the_one_before_it(board: Board) -> None:
    board.begin(0, ONE.hex, 12.5)
    board.end(0)
    board.begin(0, OTHER.hex, None)
    assert board.begun() == {OTHER: 0.0}


def test_it_is_shared_by_its_descriptor(board: Board) -> None:
    """And so outlives the process that wrote on it."""
    child = os.fork()
    if child == 0:
        try:
            Board(board.descriptor, 3).begin(1, ONE.hex, 7.0)
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert board.begun() == {ONE: 7.0}


def test_what_is_given_back_is_forgiven_unless_it_is_over_its_time(
    board: Board,
) -> None:
    late = uuid4()
    board.begin(0, ONE.hex, None)
    board.begin(1, OTHER.hex, 20.0)
    board.begin(2, late.hex, 10.0)
    board.forgive(15.0)
    assert board.begun() == {UUID(late.hex): 10.0}


def test_retired_worker_says_so(board: Board) -> None:
    board.begin(2, ONE.hex, 1.0)
    assert not board.is_retired
    board.retire()
    assert board.is_retired
    assert board.begun() == {ONE: 1.0}


def test_supervisor_vouches_for_the_worker(board: Board) -> None:
    assert board.vouched_at == 0.0
    board.retire()
    board.vouch(12.5)
    assert board.vouched_at == 12.5
    assert board.is_retired
    assert board.begun() == {}


@pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="it is a file on a disk")
def test_it_needs_no_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """A full one would end whoever writes into it."""
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere")
    board = Board.create(3)
    board.begin(0, ONE.hex, None)
    board.close()
