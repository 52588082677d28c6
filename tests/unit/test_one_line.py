"""What rows and users name, on a line."""

from __future__ import annotations

import pytest

from django_bgtasks.log import one_line


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("Prix\u00a0: 10 € éà\u3000日本", "Prix\u00a0: 10 € éà\u3000日本"),
        ("two\nlines é", "two\\nlines é"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("a\u2028b\x00c\u202e", "a\\u2028b\\x00c\\u202e"),
    ],
)
def test_only_what_would_do_harm_is_spelled_out(text: str, shown: str) -> None:
    assert one_line(text) == shown
