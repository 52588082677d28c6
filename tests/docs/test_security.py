"""Each claim of the page on security names tests, and these are there."""

from __future__ import annotations

import pytest

from .pages import ROOT, codes, read, rows

pytestmark = pytest.mark.once

PAGE = "explanation/security.md"


def test_every_claim_is_held_by_tests_that_exist() -> None:
    claims = rows(read(PAGE))
    assert len(claims) > 25
    for claim, held_by in claims:
        paths = codes(held_by)
        assert paths, claim
        for path in paths:
            found = ROOT / path
            files = [found] if found.is_file() else [*found.glob("test_*.py")]
            assert any("\ndef test_" in each.read_text() for each in files), path
