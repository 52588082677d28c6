"""Which claim of a job an outcome belongs to."""

from __future__ import annotations

from dataclasses import replace

import pytest

from django_bgtasks.lifecycle.run import Owner
from django_bgtasks.processes.board import Board
from django_bgtasks.processes.config import WorkerConfig
from django_bgtasks.processes.desk import Desk
from django_bgtasks.processes.staff import Staff

from . import tasks
from .test_threads import claimed


def test_claim_that_was_made_anew_is_told_from_the_first(
    caplog: pytest.LogCaptureFixture,
) -> None:
    desk, board = Desk(), Board.create(0)
    config = WorkerConfig(threads=0, coroutines=0)
    staff = Staff(config, desk, board, Owner(1, "worker"), "default")
    first = claimed(tasks.nothing)
    again = replace(first)
    staff.take([first], 0.0)
    assert not staff.holds_anew(first)
    staff.take([again], 0.0)
    assert staff.holds_anew(first)
    assert "forgotten its claim" in caplog.text
    assert not staff.holds_anew(again)
    staff.release(again.id, 0.0, None)
    assert not staff.holds_anew(first)
    board.close()
