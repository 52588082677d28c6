"""A schedule that cannot be is refused at the field that is at fault."""

from __future__ import annotations

import inspect
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from django_bgtasks.compat import BaseTaskBackend, task_backends
from django_bgtasks.models import Schedule
from django_bgtasks.periodic import wording
from django_bgtasks.periodic.arguments import misfits
from django_bgtasks.periodic.timings import timing_of, words
from django_bgtasks.periodic.validate import problems, timing_problems

from . import functions

pytestmark = pytest.mark.once

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
KINDS: dict[str, dict[str, Any]] = {
    "crontab": {"crontab": "30 7 * * mon", "timezone": "Europe/Berlin"},
    "interval": {"every": timedelta(minutes=5)},
    "clocked": {"clocked_at": NOW + HOUR},
    "solar": {
        "solar_event": "sunset",
        "latitude": Decimal("52.5"),
        "longitude": Decimal("13.4"),
    },
}


def schedule(kind: str = "crontab", **values: Any) -> Schedule:
    """A schedule that is right but for ``values``."""
    given = {"name": "mine", "task_path": "tests.periodic.functions.nothing"}
    return Schedule(**{**given, "kind": kind, **KINDS.get(kind, {}), **values})


@pytest.mark.parametrize("kind", KINDS)
def test_right_schedule_has_no_problems(kind: str) -> None:
    assert problems(schedule(kind), now=NOW) == {}


WRONG: list[tuple[str, str, dict[str, Any], str]] = [
    ("name", "crontab", {"name": ""}, "a name"),
    ("name", "crontab", {"name": "  "}, "a name"),
    ("name", "crontab", {"name": "x" * 201}, "200 characters"),
    ("name", "crontab", {"name": "a\0b"}, "NUL"),
    ("description", "crontab", {"description": "a\0b"}, "NUL"),
    ("description", "crontab", {"description": None}, "Give text"),
    ("queue_name", "crontab", {"queue_name": ["mail"]}, "Give text"),
    ("enabled", "crontab", {"enabled": None}, "true or false"),
    # Of another kind, it could not be stored.
    ("crontab", "interval", {"crontab": "*" * 256}, "255 characters"),
    ("solar_event", "interval", {"solar_event": "x" * 25}, "24 characters"),
    ("latitude", "interval", {"latitude": Decimal(1000)}, "-90 to 90"),
    ("every", "crontab", {"every": timedelta.max}, "days or less"),
    ("kind", "weekly", {}, "crontab, interval, clocked, solar"),
    ("crontab", "crontab", {"crontab": ""}, "Write a crontab"),
    ("crontab", "crontab", {"crontab": "* * *"}, "3 fields"),
    ("crontab", "crontab", {"crontab": "61 * * * *"}, "minute '61'"),
    ("crontab", "crontab", {"crontab": "0 0 30 2 *"}, "never due"),
    ("crontab", "crontab", {"crontab": "@reboot"}, "@daily"),
    ("crontab", "crontab", {"crontab": "*" * 300}, "250 characters"),
    ("timezone", "crontab", {"timezone": "Europe/Berln"}, "'Europe/Berlin'"),
    ("timezone", "crontab", {"timezone": ""}, "time zone"),
    ("timezone", "crontab", {"timezone": "../etc/passwd"}, "time zone"),
    ("timezone", "interval", {"timezone": "Mars/Olympus"}, "time zone"),
    ("every", "interval", {"every": None}, "the time between"),
    ("every", "interval", {"every": timedelta()}, "one second"),
    ("every", "interval", {"every": -HOUR}, "one second"),
    ("every", "interval", {"every": timedelta(microseconds=1)}, "one second"),
    ("every", "interval", {"every": timedelta(days=36526)}, "days or less"),
    ("every", "interval", {"every": timedelta.max}, "days or less"),
    ("anchor_at", "interval", {"anchor_at": datetime.max}, "a year"),
    ("clocked_at", "clocked", {"clocked_at": None}, "the time to run at"),
    ("clocked_at", "clocked", {"clocked_at": NOW - HOUR}, "has passed"),
    ("clocked_at", "clocked", {"clocked_at": NOW}, "has passed"),
    ("clocked_at", "clocked", {"clocked_at": datetime(1, 1, 1)}, "a year"),
    ("clocked_at", "clocked", {"start_at": NOW + 2 * HOUR}, "never due"),
    ("end_at", "clocked", {"end_at": NOW + HOUR / 2}, "Nothing is due"),
    ("solar_event", "solar", {"solar_event": ""}, "sunrise"),
    ("solar_event", "solar", {"solar_event": "eclipse"}, "sunrise"),
    ("latitude", "solar", {"latitude": None}, "-90 to 90"),
    ("latitude", "solar", {"latitude": Decimal("90.1")}, "-90 to 90"),
    ("latitude", "solar", {"latitude": Decimal("NaN")}, "-90 to 90"),
    ("longitude", "solar", {"longitude": None}, "-180 to 180"),
    ("longitude", "solar", {"longitude": Decimal(-181)}, "-180 to 180"),
    ("end_at", "crontab", {"start_at": NOW, "end_at": NOW - HOUR}, "after the start"),
    ("end_at", "crontab", {"start_at": NOW, "end_at": NOW}, "after the start"),
    ("end_at", "interval", {"end_at": NOW - HOUR}, "has passed"),
    (
        "end_at",
        "crontab",
        {"crontab": "0 0 1 1 *", "start_at": NOW, "end_at": NOW + 24 * HOUR},
        "Nothing is due",
    ),
    ("start_at", "crontab", {"start_at": "tomorrow"}, "a date and a time"),
    ("end_at", "crontab", {"end_at": datetime(9999, 1, 1, tzinfo=UTC)}, "a year"),
    ("backend", "crontab", {"backend": "nope"}, "Choose one of: default"),
    ("backend", "crontab", {"backend": ""}, "Choose one of: default"),
    ("backend", "crontab", {"backend": None}, "Choose one of: default"),
    ("queue_name", "crontab", {"queue_name": "nope"}, "default, mail, slow"),
    ("queue_name", "crontab", {"queue_name": "q" * 129}, "128 characters"),
    ("priority", "crontab", {"priority": 101}, "-100 to 100"),
    ("priority", "crontab", {"priority": -101}, "-100 to 100"),
    ("priority", "crontab", {"priority": True}, "-100 to 100"),
    ("priority", "crontab", {"priority": "5"}, "-100 to 100"),
    ("expires", "crontab", {"expires": -HOUR}, "more than zero"),
    ("expires", "crontab", {"expires": timedelta()}, "more than zero"),
    ("expires", "crontab", {"expires": 5}, "00:05:00"),
    ("grace", "crontab", {"grace": -HOUR}, "more than zero"),
    ("grace", "crontab", {"grace": timedelta()}, "more than zero"),
    ("jitter", "crontab", {"jitter": -HOUR}, "more than zero"),
    ("jitter", "crontab", {"jitter": timedelta.max}, "a century"),
    ("missed", "crontab", {"missed": "twice"}, "skip, run_once, run_all"),
    ("overlap", "crontab", {"overlap": ""}, "allow, skip, queue_one"),
    ("task_path", "crontab", {"task_path": ""}, "Choose the task"),
    ("task_path", "crontab", {"task_path": "os.system"}, "is no task"),
    (
        "task_path",
        "crontab",
        {"task_path": "tests.periodic.functions.no_task"},
        "is no task",
    ),
    (
        "task_path",
        "crontab",
        {"task_path": "tests.periodic.functions.nothin"},
        "tests.periodic.functions.nothing",
    ),
    ("task_path", "crontab", {"task_path": "elsewhere.tasks.a"}, "TASK_MODULES"),
    ("args", "crontab", {"args": {"a": 1}}, "a list"),
    ("args", "crontab", {"args": "[1, 2"}, "a list"),
    ("args", "crontab", {"args": None}, "a list"),
    ("args", "crontab", {"args": [1]}, "no positional arguments"),
    ("args", "crontab", {"args": [float("nan")]}, "args[0]"),
    ("args", "crontab", {"args": ["a\0"]}, "NUL"),
    ("args", "crontab", {"args": [NOW]}, "isoformat"),
    ("kwargs", "crontab", {"kwargs": ["a"]}, "an object"),
    ("kwargs", "crontab", {"kwargs": {1: 2}}, "key 1"),
    ("kwargs", "crontab", {"kwargs": {"a": 1}}, "no argument “a”"),
    ("metadata", "crontab", {"metadata": ["a"]}, "an object"),
    ("metadata", "crontab", {"metadata": {"a": float("inf")}}, "metadata['a']"),
    ("args", "crontab", {"args": ["x" * 5_000_000]}, "MAX_PAYLOAD"),
]


@pytest.mark.parametrize(("field", "kind", "values", "words"), WRONG)
def test_problem_is_at_its_field(
    field: str, kind: str, values: dict[str, Any], words: str
) -> None:
    found = problems(schedule(kind, **values), now=NOW)
    assert list(found) == [field]
    assert words in " ".join(found[field])


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("clocked", {"clocked_at": NOW - HOUR}),
        ("interval", {"end_at": NOW - HOUR}),
    ],
)
def test_past_is_no_problem_of_what_is_there(kind: str, values: dict[str, Any]) -> None:
    assert problems(schedule(kind, **values)) == {}


@pytest.mark.parametrize(
    "values",
    [
        {"start_at": NOW - HOUR, "end_at": NOW + 24 * 14 * HOUR},
        {"priority": -100, "queue_name": "mail", "grace": HOUR, "expires": HOUR},
        {"jitter": timedelta(), "metadata": {"a": [1]}, "missed": "run_all"},
        {"args": (), "overlap": Schedule.Overlap.QUEUE_ONE},
        {"crontab": "@daily", "timezone": "Pacific/Apia"},
        # What other kinds need is not asked for.
        {"every": None, "latitude": None, "solar_event": ""},
    ],
)
def test_right_values_are_no_problem(values: dict[str, Any]) -> None:
    assert problems(schedule(**values), now=NOW) == {}


def test_all_problems_are_told_at_once() -> None:
    wrong = schedule(
        "solar", name="", latitude=None, longitude=None, priority=1000, args=[1, 2]
    )
    assert set(problems(wrong)) == {
        "name",
        "latitude",
        "longitude",
        "priority",
        "args",
    }


def test_timing_alone_is_judged_for_the_preview() -> None:
    half = Schedule(kind="crontab", crontab="* * *", name="", task_path="")
    assert list(timing_problems(half, now=NOW)) == ["crontab"]
    half.crontab = "* * * * *"
    assert timing_problems(half, now=NOW) == {}


def test_backend_of_another_package_is_no_place_for_schedules(settings: Any) -> None:
    settings.TASKS = {
        **settings.TASKS,
        "at-once": {"BACKEND": "tests.periodic.test_validate.NotOurs", "QUEUES": []},
    }
    assert task_backends["at-once"].queues == set()
    found = problems(schedule(backend="at-once"))
    assert list(found) == ["backend"]
    assert "another package" in found["backend"][0]


def test_moments_are_naive_without_time_zones(settings: Any) -> None:
    settings.USE_TZ = False
    later = datetime(2026, 6, 1, 13)
    assert problems(schedule("clocked", clocked_at=later), now=NOW) == {}
    window = {"start_at": later, "end_at": datetime(2026, 6, 1, 12)}
    assert list(problems(schedule(**window), now=NOW)) == ["end_at"]


def test_missing_package_for_the_sun_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "astral", None)
    found = problems(schedule("solar"), now=NOW)
    assert list(found) == ["kind"]
    assert "django-bgtasks[solar]" in found["kind"][0]


FITS: list[tuple[Any, list[Any], dict[str, Any], list[tuple[str, str]]]] = [
    (functions.two, [1], {}, []),
    (functions.two, [1, "a"], {}, []),
    (functions.two, [1], {"second": "a"}, []),
    (functions.two, [], {}, [("args", "needs the argument “first”")]),
    (functions.two, [], {"second": "a"}, [("kwargs", "needs the argument “first”")]),
    (functions.two, [1, "a", 2], {}, [("args", "2 positional arguments at most")]),
    (functions.two, [1], {"first": 2}, [("kwargs", "already")]),
    (functions.two, [1], {"secnd": "a"}, [("kwargs", "Did you mean “second”?")]),
    (functions.two, [1], {"xyz": "a"}, [("kwargs", "It takes: second.")]),
    (functions.by_name, [], {}, [("kwargs", "needs the argument “key”")]),
    (functions.by_name, [1], {"key": 1}, [("args", "no positional arguments")]),
    (functions.by_place, [], {"first": 1}, [("kwargs", ""), ("args", "“first”")]),
    (functions.with_context, [1], {}, []),
    (functions.with_context, [], {}, [("args", "“user_id”")]),
    (functions.with_context, [1, 2], {}, [("args", "1 positional argument at most")]),
    (functions.with_context, [1], {"context": 2}, [("kwargs", "the worker passes")]),
    (functions.with_context_by_place, [], {"context": 2}, []),
]


@pytest.mark.parametrize(("task", "args", "kwargs", "expected"), FITS)
def test_arguments_are_fitted_to_the_function(
    task: Any,
    args: list[Any],
    kwargs: dict[str, Any],
    expected: list[tuple[str, str]],
) -> None:
    found = list(misfits(task, args, kwargs))
    assert [field for field, _ in found] == [field for field, _ in expected]
    for (_, message), (_, part) in zip(found, expected, strict=True):
        assert part in message


NAMES = st.sampled_from(
    ["first", "second", "key", "note", "context", "user_id", "rest", "others", "x"]
)


@given(
    task=st.sampled_from(functions.ALL),
    args=st.lists(st.integers(), max_size=4),
    kwargs=st.dictionaries(NAMES, st.integers(), max_size=4),
)
def test_what_cannot_be_called_is_found_and_nothing_else(
    task: Any, args: list[int], kwargs: dict[str, int]
) -> None:
    leading = [None] if task.takes_context else []
    try:
        inspect.signature(task.func).bind(*leading, *args, **kwargs)
    except TypeError:
        assert list(misfits(task, args, kwargs)) != []
    else:
        assert list(misfits(task, args, kwargs)) == []


@pytest.mark.parametrize("kind", KINDS)
def test_row_makes_a_timing_that_has_words(kind: str) -> None:
    row = schedule(kind)
    assert timing_of(row).words() == words(row)
    assert timing_of(row).next(NOW) is not None


def test_words_of_rows_are_those_of_people() -> None:
    assert words(schedule("interval")) == "every 5 minutes"
    assert words(schedule("crontab")) == "At 07:30, only on Monday (Europe/Berlin)"


@pytest.mark.parametrize(
    ("kind", "values", "words_of_error"),
    [
        ("", {}, "no kind ''"),
        ("interval", {"every": None}, "needs 'every'"),
        ("clocked", {"clocked_at": None}, "needs 'clocked_at'"),
        ("solar", {"latitude": None}, "needs 'latitude'"),
        ("crontab", {"crontab": ""}, "0 fields"),
    ],
)
def test_row_that_makes_no_timing_says_why(
    kind: str, values: dict[str, Any], words_of_error: str
) -> None:
    row = schedule(kind, **values)
    with pytest.raises(ValueError, match=words_of_error):
        timing_of(row)
    assert words_of_error in words(row)


def test_interval_counts_from_its_anchor_or_its_start() -> None:
    row = schedule("interval", anchor_at=NOW, start_at=NOW + HOUR)
    assert timing_of(row, anchor=NOW - HOUR).anchor == NOW  # type: ignore[attr-defined]
    row.anchor_at = None
    assert timing_of(row, anchor=NOW).anchor == NOW + HOUR  # type: ignore[attr-defined]
    row.start_at = None
    assert timing_of(row, anchor=NOW).anchor == NOW  # type: ignore[attr-defined]


def test_messages_are_in_english_before_the_apps_are_ready(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*args: Any) -> str:
        raise AssertionError("asked for a translation")

    monkeypatch.setattr(wording.apps, "apps_ready", False)
    monkeypatch.setattr(translation, "gettext", fail)
    monkeypatch.setattr(translation, "ngettext", fail)
    (message,) = problems(
        schedule(task_path=functions.two.module_path, args=[1, 2, 3])
    )["args"]
    assert "at most" in message


def test_messages_are_translated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(translation, "gettext", str.upper)
    assert problems(schedule(name=""))["name"] == ["GIVE THE SCHEDULE A NAME."]


class NotOurs(BaseTaskBackend):
    def enqueue(self, task: Any, args: Any, kwargs: Any) -> Any:
        raise NotImplementedError


def test_own_queue_of_the_task_must_be_one_of_the_backend(settings: Any) -> None:
    second = {**settings.TASKS["default"], "QUEUES": ["default"]}
    settings.TASKS = {**settings.TASKS, "second": second}
    mailed = schedule(task_path=functions.by_mail.module_path, backend="second")
    found = problems(mailed)
    assert list(found) == ["queue_name"]
    assert "“second” has no queue “mail”" in found["queue_name"][0]
    mailed.queue_name = "default"
    assert problems(mailed) == {}
