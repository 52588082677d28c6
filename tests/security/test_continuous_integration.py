"""What the documentation says of continuous integration is what that does."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import Any

import pytest
import yaml

from tests.docs.pages import ROOT

pytestmark = pytest.mark.once

AUDIT = ROOT / ".ci" / "audit"
# Faults of the pooler, of the network, and of a server that is no service.
HARM = ("pgbouncer", "iproute2", "mariadb-server")


def recipe(target: str) -> str:
    text = (ROOT / "Makefile").read_text()
    found = re.search(rf"^{target}:.*\n((?:\t.*\n)+)", text, re.MULTILINE)
    assert found
    return found[1]


def jobs() -> dict[str, Any]:
    workflow = ROOT / ".github" / "workflows" / "tests.yml"
    found: dict[str, Any] = yaml.safe_load(workflow.read_text())["jobs"]
    return found


def test_dangerous_code_and_known_weaknesses_are_looked_for() -> None:
    assert re.search(r"-m bandit .*--recursive django_bgtasks", recipe("lint"))
    assert ".ci/audit" in recipe("audit")
    assert "pip_audit" in AUDIT.read_text()


def test_both_are_steps_of_continuous_integration() -> None:
    checks = jobs()["checks"]
    assert {"lint", "audit"} <= set(checks["strategy"]["matrix"]["target"])
    (step,) = (each for each in checks["steps"] if "make" in each.get("run", ""))
    assert step["env"]["BGTASKS_REQUIRE_AUDIT"] == "1"
    steps = (ROOT / ".ci" / "run").read_text()
    assert re.search(r"^step .* lint$", steps, re.MULTILINE)
    assert re.search(r"^step .* audit$", steps, re.MULTILINE)


@pytest.mark.parametrize(
    ("required", "code", "word"),
    [(None, 0, "Skipped"), ("0", 0, "Skipped"), ("1", 1, "Failed")],
)
def test_an_audit_that_nobody_answers_fails_where_it_is_required(
    required: str | None, code: int, word: str
) -> None:
    # Nobody listens at the port for discarding.
    environment = {**os.environ, "https_proxy": "http://127.0.0.1:9", "no_proxy": ""}
    environment.pop("BGTASKS_REQUIRE_AUDIT", None)
    if required is not None:
        environment["BGTASKS_REQUIRE_AUDIT"] = required
    command = [sys.executable, str(AUDIT)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (code, "")
    assert done.stdout.startswith(f"{word}: PyPI's service")


def test_the_faults_in_short_are_a_step_with_all_that_they_need() -> None:
    faults = jobs()["faults"]
    assert faults["timeout-minutes"] <= 8
    commands = [each["run"] for each in faults["steps"] if "run" in each]
    assert commands[-1] == 'make chaos ARGS="--short --untimed"'
    assert {*HARM} <= set(" ".join(commands[:-1]).split())
    text = (ROOT / ".ci" / "run").read_text()
    assert re.search(r"^step .* run_faults$", text, re.MULTILINE)
    assert re.search(r'chaos ARGS="--short --untimed ', text)
    assert all(f"missing+=({package})" in text for package in HARM)


def test_the_faults_of_a_run_are_told_in_seconds() -> None:
    text = (ROOT / ".ci" / "run").read_text()
    found = re.search(r"^run_faults\(\) \{\n.*?^\}\n", text, re.MULTILINE | re.DOTALL)
    assert found
    for code in (0, 3):
        script = f"set -eu; notes=(); with=(bash -c 'exit {code}' --); {found[0]}"
        script += 'run_faults || echo "ended with $?"'
        done = subprocess.run(["bash", "-c", script], capture_output=True, text=True)
        told, *rest = done.stdout.splitlines()
        assert re.fullmatch(r"The faults took \d+ seconds", told), done
        assert rest == ([f"ended with {code}"] if code else [])
