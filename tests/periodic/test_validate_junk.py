"""Whatever a row holds, it is judged: no value makes the judge fail."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from django_bgtasks.models import Schedule
from django_bgtasks.periodic.declaration import (
    OPTION_NAMES,
    BadOption,
    read_declaration,
)
from django_bgtasks.periodic.timings import timing_of, words
from django_bgtasks.periodic.validate import problems

from . import functions

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
MOMENTS = st.datetimes() | st.datetimes(
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=14))])
)
JUNK = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.decimals()
    | st.text(max_size=8)
    | st.timedeltas()
    | MOMENTS
    | st.just(date.max)
    | st.just([{1}])
    | st.just({"a": 1, 2: 3})
    | st.sampled_from(["* * * * *", "Europe/Berlin", "interval", "sunset", "default"])
)
# What people fill in; the rest is code's.
FIELDS = [
    field.name
    for field in Schedule._meta.concrete_fields
    if field.editable and not field.primary_key
]
RIGHT = st.sampled_from(
    [
        {"kind": "crontab", "crontab": "@daily"},
        {"kind": "interval", "every": timedelta(minutes=5)},
        {"kind": "clocked", "clocked_at": NOW},
        {
            "kind": "solar",
            "solar_event": "sunset",
            "latitude": Decimal(50),
            "longitude": Decimal(13),
        },
    ]
)


@pytest.mark.once
@given(RIGHT, st.dictionaries(st.sampled_from(FIELDS), JUNK, max_size=4))
def test_row_of_junk_is_judged(right: dict[str, Any], junk: dict[str, Any]) -> None:
    given_ = {"name": "mine", "task_path": functions.two.module_path, "args": [1]}
    row = Schedule(**{**given_, **right, **junk})
    found = problems(row, now=NOW)
    assert set(found) <= {*FIELDS}
    assert all(message for messages in found.values() for message in messages)
    assert isinstance(words(row), str)
    if not found:
        assert timing_of(row).next(NOW) is not None or row.end_at is not None


@pytest.mark.once
@given(RIGHT, st.dictionaries(st.sampled_from(OPTION_NAMES), JUNK, max_size=4))
def test_options_of_junk_are_read_or_refused(
    right: dict[str, Any], junk: dict[str, Any]
) -> None:
    options = {"crontab": "@daily", **junk}
    with suppress(BadOption):
        declared = read_declaration(
            options,
            name="mine",
            task_path=functions.two.module_path,
            backend="default",
            origin="code",
            timezone="UTC",
        )
        assert set(problems(declared)) <= {*FIELDS}


@pytest.mark.django_db
@pytest.mark.filterwarnings("ignore:DateTimeField .* received a naive")
@settings(deadline=None)
@given(RIGHT, st.dictionaries(st.sampled_from(FIELDS), JUNK, max_size=3))
def test_what_is_not_refused_can_be_stored(
    right: dict[str, Any], junk: dict[str, Any]
) -> None:
    given_ = {"name": "mine", "task_path": functions.two.module_path, "args": [1]}
    row = Schedule(**{**given_, **right, **junk})
    if problems(row):
        return
    with transaction.atomic():
        row.save()
        stored = Schedule.objects.get(pk=row.pk)
        assert problems(stored) == {}
        assert words(stored) == words(row)
        transaction.set_rollback(True)
