"""Whatever a file or a table of Celery says, it is read or refused, in words."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from django_bgtasks.management.celery_beat.conversion import Rules
from django_bgtasks.management.celery_beat.convert import convert
from django_bgtasks.management.celery_beat.declared import read_beat_schedule
from django_bgtasks.management.schedules.form import KEYS, from_record, spelled
from django_bgtasks.periodic.validate import problems

from . import tasks

pytestmark = pytest.mark.once

NOW = datetime(2026, 11, 21, tzinfo=UTC)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.dates()
    | st.datetimes()
    | st.sampled_from(
        [
            *("P99999999999D", "-P1D", "PT0S", "1e400", "nan", "-1", "5m", "9" * 30),
            *("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "24:00"),
            *("* * * * *", "@daily", "0 0 30 2 *", "crontab", "interval", "solar"),
            *("sunset", "UTC", "../../etc/passwd", "Europe/", "\0", tasks.__name__),
            *(date.max, datetime.max, timedelta.max, timedelta.min, 1e308, -0.0),
        ]
    )
)
VALUES = SCALARS | st.lists(SCALARS, max_size=3) | st.dictionaries(SCALARS, SCALARS)


@settings(max_examples=300)
@given(
    st.dictionaries(
        st.sampled_from([*KEYS, "evry"]) | st.integers(), VALUES, max_size=8
    ),
    st.booleans(),
)
def test_record(record: Any, has_task: bool) -> None:
    if has_task:
        record["task"] = tasks.succeed.module_path
    schedule, unread = from_record("junk", record, "default")
    found = problems(schedule, now=NOW)
    assert all(isinstance(text, str) for text in (*spelled(unread), *spelled(found)))
    if "evry" in record:
        assert "evry" in unread


@settings(max_examples=300)
@given(
    st.fixed_dictionaries(
        {},
        optional={
            "task": SCALARS,
            "schedule": VALUES,
            "args": VALUES,
            "kwargs": VALUES,
            "relative": SCALARS,
            "options": st.dictionaries(
                st.sampled_from(
                    ["queue", "priority", "expires", "expire_seconds", "headers"]
                ),
                VALUES,
            )
            | SCALARS,
        },
    )
    | SCALARS
)
def test_entry_of_a_beat_schedule(entry: Any) -> None:
    rules = Rules(backend="default", now=NOW, zone="UTC", tasks=frozenset())
    (read,) = read_beat_schedule({"junk": entry}, zone="UTC", now=NOW)
    made = convert(read, rules)
    assert all(isinstance(text, str) for text in (*made.refusals, *made.notes))
    if not made.refusals:
        json.dumps([made.schedule.args, made.schedule.kwargs], allow_nan=False)
