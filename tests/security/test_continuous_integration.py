"""What the page on security says of continuous integration is what that does."""

from __future__ import annotations

import re

import pytest

from tests.docs.pages import ROOT

pytestmark = pytest.mark.once


def recipe(target: str) -> str:
    text = (ROOT / "Makefile").read_text()
    found = re.search(rf"^{target}:.*\n((?:\t.*\n)+)", text, re.MULTILINE)
    assert found
    return found[1]


def test_dangerous_code_and_known_weaknesses_are_looked_for() -> None:
    assert re.search(r"-m bandit .*--recursive django_bgtasks", recipe("lint"))
    assert ".ci/audit" in recipe("audit")
    assert "pip_audit" in (ROOT / ".ci" / "audit").read_text()


def test_both_are_steps_of_continuous_integration() -> None:
    workflow = (ROOT / ".github" / "workflows" / "tests.yml").read_text()
    targets = re.search(r"target: \[(.*)\]", workflow)
    assert targets
    assert {"lint", "audit"} <= set(targets[1].split(", "))
    steps = (ROOT / ".ci" / "run").read_text()
    assert re.search(r"^step .* lint$", steps, re.MULTILINE)
    assert re.search(r"^step .* audit$", steps, re.MULTILINE)
