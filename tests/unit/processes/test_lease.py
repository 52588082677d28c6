from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from django_bgtasks.processes import lease
from django_bgtasks.processes.board import Board
from django_bgtasks.processes.lease import Lease

RESCUE_AFTER = timedelta(seconds=20)
NOW = 1_000.0


class Rows:
    """The row of the process, and how often it was asked for."""

    is_there = True
    asked = 0

    def is_present(self, vendor: object, process: int) -> bool:
        self.asked += 1
        return self.is_there


@pytest.fixture
def rows(monkeypatch: pytest.MonkeyPatch) -> Rows:
    rows = Rows()
    monkeypatch.setattr(lease, "presence", rows)
    monkeypatch.setattr(lease.time, "monotonic", lambda: NOW)
    return rows


@pytest.fixture
def board() -> Iterator[Board]:
    board = Board.create(1)
    board.vouch(NOW)
    yield board
    board.close()


@pytest.fixture
def held(rows: Rows, board: Board) -> Lease:
    return Lease(None, 1, board, RESCUE_AFTER)  # type: ignore[arg-type]


def test_idle_worker_that_was_vouched_for_does_not_ask(held: Lease, rows: Rows) -> None:
    for second in range(10):
        assert not held.has_ended(NOW + second, busy=False)
    assert rows.asked == 0


def test_it_asks_once_the_word_is_old(held: Lease, rows: Rows, board: Board) -> None:
    rows.is_there = False
    moments = [NOW + second for second in range(9)]
    assert not any(held.has_ended(moment, busy=False) for moment in moments)
    board.vouch(NOW + 8)
    assert not held.has_ended(NOW + 17, busy=False)
    assert held.has_ended(NOW + 18, busy=False)


def test_busy_one_asks_each_second(held: Lease, rows: Rows) -> None:
    for tenth in range(31):
        assert not held.has_ended(NOW + tenth / 10, busy=True)
    assert rows.asked == 4


def test_one_that_stood_still_asks_at_once(
    held: Lease, rows: Rows, board: Board
) -> None:
    rows.is_there = False
    board.vouch(NOW + 11)
    assert held.has_ended(NOW + 11, busy=False)
