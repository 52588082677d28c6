"""The page on how guarantees are tested names the test of each defect."""

from __future__ import annotations

import re

import pytest

from .pages import is_there, places, read, section

pytestmark = pytest.mark.once

PAGE = "explanation/testing.md"
FOUND = re.split(r"^- ", section(PAGE, "## What they have found"), flags=re.MULTILINE)


def test_there_are_as_many_defects_as_ever() -> None:
    assert len(FOUND) > 15


@pytest.mark.parametrize("defect", FOUND[1:])
def test_each_defect_names_the_test_that_keeps_it_mended(defect: str) -> None:
    assert any("::" in each for each in places(defect))


def test_named_tests_are_there() -> None:
    named = [each for each in places(read(PAGE)) if "test_" in each]
    assert [each for each in named if not is_there(each)] == []
