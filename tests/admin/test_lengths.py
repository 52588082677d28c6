from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st

from django_bgtasks.admin.lengths import LengthField, parse_length, print_length

pytestmark = pytest.mark.once


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("30s", timedelta(seconds=30)),
        ("5m", timedelta(minutes=5)),
        (" 5 min ", timedelta(minutes=5)),
        ("1h 30m", timedelta(minutes=90)),
        ("1h30m", timedelta(minutes=90)),
        ("1 hour, 30 minutes", timedelta(minutes=90)),
        ("2D", timedelta(days=2)),
        ("1w 2d", timedelta(days=9)),
        ("1.5h", timedelta(minutes=90)),
        ("0.25s", timedelta(milliseconds=250)),
        ("00:05:00", timedelta(minutes=5)),
        ("00:05", timedelta(minutes=5)),
        ("36:00:00", timedelta(hours=36)),
        ("1 01:00:00", timedelta(hours=25)),
        ("1 day, 1:00:00", timedelta(hours=25)),
        ("0s", timedelta()),
    ],
)
def test_length_is_read(text: str, length: timedelta) -> None:
    assert parse_length(text) == length


@pytest.mark.parametrize(
    "text",
    ["", "5", "m", "-5m", "5x", "5m 3", "5m 5m", "1:2:3:4", "00:75:00", "1m5", "٣m!"],
)
def test_what_is_no_length_is_refused(text: str) -> None:
    field = LengthField(required=False)
    if not text:
        assert field.clean(text) is None
        return
    with pytest.raises(ValidationError, match="is no length of time"):
        field.clean(text)


@given(st.timedeltas(min_value=timedelta(), max_value=timedelta(days=90_000)))
def test_what_is_printed_is_read_as_the_same(length: timedelta) -> None:
    assert parse_length(print_length(length)) == length
    assert not LengthField(required=False).has_changed(length, print_length(length))


@pytest.mark.parametrize(
    ("length", "text"),
    [
        (timedelta(minutes=5), "5m"),
        (timedelta(minutes=90), "1h 30m"),
        (timedelta(days=8, seconds=1.5), "8d 1.5s"),
        (timedelta(), "0s"),
        (timedelta(minutes=-5), "-5m"),
    ],
)
def test_length_is_printed(length: timedelta, text: str) -> None:
    assert print_length(length) == text
