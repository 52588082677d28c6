"""A figure over its bar breaks a promise, and the end says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from .figure import Figure
from .report import Row, verdict

pytestmark = pytest.mark.once

SLOW, QUICK = Figure("a wait", 1.5, 1.0), Figure("a wait", 0.5, 1.0)
CHANGES = Figure("changes", 1, 0, "rows")


def judged(*figures: Figure, timed: bool = True) -> Row:
    row = Row("sqlite", "worker-killed")
    row.judge(figures, timed=timed)
    return row


def test_figure_within_its_bar_is_only_told() -> None:
    row = judged(QUICK)
    assert row.problems == []
    assert "a wait: 0.50 s, the bar 1 s\n" in verdict([row], 1, Path("here"))


def test_time_over_its_bar_breaks_a_promise() -> None:
    row = judged(SLOW)
    assert row.problems == ["a wait: 1.50 s, the bar 1 s"]
    assert "1 of 1 runs broke a promise" in verdict([row], 1, Path("here"))


def test_on_a_busy_machine_only_what_is_no_time_is_held_to_its_bar() -> None:
    row = judged(SLOW, CHANGES, timed=False)
    assert row.problems == ["changes: 1 rows, the bar 0 rows"]
    assert "the bar 1 s  (not held)" in verdict([row], 1, Path("here"))


def test_row_is_the_same_when_it_was_kept(tmp_path: Path) -> None:
    row = judged(SLOW)
    row.save(tmp_path / "rows")
    assert str(verdict(Row.load(tmp_path / "rows"), 1, tmp_path)) == str(
        verdict([row], 1, tmp_path)
    )
