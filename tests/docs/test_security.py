"""Each claim of the page on security names tests, and these are there."""

from __future__ import annotations

import pytest

from .pages import is_there, places, read, rows

pytestmark = pytest.mark.once

PAGE = "explanation/security.md"
CLAIMS = rows(read(PAGE))


def test_there_are_as_many_claims_as_ever() -> None:
    assert len(CLAIMS) >= 28


@pytest.mark.parametrize(("claim", "held_by"), CLAIMS)
def test_each_claim_names_a_test(claim: str, held_by: str) -> None:
    assert any("::" in each for each in places(held_by)), claim


def test_named_tests_are_there() -> None:
    named = places(read(PAGE))
    assert len(named) > len(CLAIMS)
    assert [each for each in named if not is_there(each)] == []
