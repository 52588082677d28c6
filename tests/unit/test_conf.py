"""OPTIONS: every key, with a value that is read and one that is refused."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from hypothesis import given
from hypothesis import strategies as st

from django_bgtasks.backoff import exponential
from django_bgtasks.conf import (
    OPTION_NAMES,
    Options,
    Retention,
    duration,
    parse_options,
    read_options,
    retention,
)

SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)


def some_backoff(exception: BaseException, task_result: Any) -> float:
    return 3.0


async def some_coroutine(request: Any, result: Any) -> bool:
    return True


# Each option with a value and what is made of it.
READ: list[tuple[str, Any, Any]] = [
    ("DATABASE", None, None),
    ("DATABASE", "jobs", "jobs"),
    ("MAX_ATTEMPTS", 1, 1),
    ("MAX_ATTEMPTS", 25, 25),
    ("BACKOFF", exponential(5), exponential(5)),
    ("BACKOFF", f"{__name__}.some_backoff", some_backoff),
    ("TIMEOUT", None, None),
    ("TIMEOUT", 0.5, SECOND / 2),
    ("TIMEOUT", "5m", 300 * SECOND),
    ("TIMEOUT_GRACE", 0, timedelta()),
    ("TIMEOUT_GRACE", "10s", 10 * SECOND),
    ("HEARTBEAT", 2, 2 * SECOND),
    ("RESCUE_AFTER", timedelta(minutes=1), 60 * SECOND),
    ("MAX_LOST", 1, 1),
    ("RETENTION", None, Retention(None, None)),
    ("RETENTION", 0, Retention(timedelta(), timedelta())),
    ("RETENTION", "2d", Retention(2 * DAY, 2 * DAY)),
    ("TICK_RETENTION", None, None),
    ("TICK_RETENTION", "90d", 90 * DAY),
    ("RETENTION", {"successful": 0}, Retention(timedelta(), 30 * DAY)),
    ("RETENTION", {"failed": None}, Retention(7 * DAY, None)),
    ("RETENTION", {"successful": "1d", "failed": "1w"}, Retention(DAY, 7 * DAY)),
    ("LISTEN", False, False),
    ("LISTEN", "direct", "direct"),
    ("MAX_PAYLOAD", 1024, 1024),
    ("TASK_MODULES", [], ()),
    ("TASK_MODULES", ["shop.jobs"], ("shop.jobs",)),
    ("SCHEDULES", {}, ()),
    ("SCHEDULES", {"a": {"task": "b"}}, (("a", {"task": "b"}),)),
    ("CAPTURE_LOGS", True, True),
    ("CAPTURE_LOGS", "info", "info"),
    ("SENSITIVE", ["pin"], ("pin",)),
    ("SENSITIVE", None, ()),
    ("STATUS_PERMISSION", None, None),
    ("STATUS_PERMISSION", some_backoff, some_backoff),
    # Imported when it is needed: apps may not be ready yet.
    ("STATUS_PERMISSION", "shop.jobs.may_look", "shop.jobs.may_look"),
    ("STATUS_TOKEN_AGE", "2h", 7200 * SECOND),
    ("STATUS_STREAM", 0, timedelta()),
    ("STATUS_STREAM", "1m", 60 * SECOND),
]

REFUSED: list[tuple[str, Any]] = [
    ("DATABASE", ""),
    ("DATABASE", 1),
    ("MAX_ATTEMPTS", 0),
    ("MAX_ATTEMPTS", True),
    ("MAX_ATTEMPTS", "3"),
    ("MAX_ATTEMPTS", 2.0),
    ("MAX_ATTEMPTS", None),
    ("BACKOFF", -1),
    ("BACKOFF", "no.such.function"),
    ("BACKOFF", None),
    ("TIMEOUT", 0),
    ("TIMEOUT", -1),
    ("TIMEOUT", "soon"),
    ("TIMEOUT", True),
    ("TIMEOUT", float("nan")),
    ("TIMEOUT", float("inf")),
    ("TIMEOUT_GRACE", -1),
    ("TIMEOUT_GRACE", None),
    ("HEARTBEAT", 0),
    ("HEARTBEAT", []),
    ("RESCUE_AFTER", "20 parsecs"),
    ("MAX_LOST", 0),
    ("MAX_LOST", "many"),
    ("RETENTION", -1),
    ("TICK_RETENTION", 0),
    ("TICK_RETENTION", "long"),
    ("RETENTION", {"succesful": 1}),
    ("RETENTION", {"failed": "long"}),
    ("RETENTION", [1, 2]),
    ("LISTEN", ""),
    ("LISTEN", None),
    ("LISTEN", 1),
    ("MAX_PAYLOAD", 1023),
    ("MAX_PAYLOAD", "4MB"),
    ("TASK_MODULES", "shop.jobs"),
    ("TASK_MODULES", [1]),
    ("TASK_MODULES", None),
    ("SCHEDULES", None),
    ("SCHEDULES", ["a"]),
    ("SCHEDULES", {1: {}}),
    ("SCHEDULES", {"a": "shop.jobs"}),
    ("CAPTURE_LOGS", "LOUD"),
    ("CAPTURE_LOGS", 20),
    ("SENSITIVE", "pin"),
    ("SENSITIVE", True),
    ("SENSITIVE", [7]),
    ("STATUS_PERMISSION", True),
    ("STATUS_PERMISSION", "may_look"),
    ("STATUS_PERMISSION", "shop/jobs.py"),
    ("STATUS_PERMISSION", some_coroutine),
    ("STATUS_TOKEN_AGE", 0),
    ("STATUS_TOKEN_AGE", None),
    ("STATUS_STREAM", -1),
    ("STATUS_STREAM", None),
]


@pytest.mark.parametrize(("key", "given_", "wanted"), READ)
def test_option_is_read(key, given_, wanted):
    assert getattr(parse_options("default", {key: given_}), key.lower()) == wanted


@pytest.mark.parametrize(("key", "given_"), REFUSED)
def test_value_that_cannot_be_is_refused_and_the_option_named(key, given_):
    with pytest.raises(ImproperlyConfigured) as refusal:
        parse_options("mail", {key: given_})
    assert f"TASKS['mail']['OPTIONS']['{key}'] is invalid: " in str(refusal.value)


def test_every_option_is_tried_in_both_ways():
    assert {key for key, *_ in READ} == set(OPTION_NAMES)
    assert {key for key, _ in REFUSED} == set(OPTION_NAMES)


def test_fixed_backoff_is_a_delay_whatever_happened():
    options = parse_options("default", {"BACKOFF": "5s"})
    assert options.backoff(ValueError(), None) == 5 * SECOND


def test_nothing_given_is_the_default():
    assert parse_options("default", {}) == Options()
    assert Options().max_attempts == 1


def test_listen_is_true_by_default_and_may_be_said():
    assert parse_options("default", {"LISTEN": True}) == Options()


@pytest.mark.parametrize(
    ("typo", "hint"),
    [
        ("RETENTON", "Did you mean 'RETENTION'?"),
        ("max_attempts", "Did you mean 'MAX_ATTEMPTS'?"),
        ("MAXATTEMPTS", "Did you mean 'MAX_ATTEMPTS'?"),
        ("HEART_BEAT", "Did you mean 'HEARTBEAT'?"),
        ("DATABASES", "Did you mean 'DATABASE'?"),
    ],
)
def test_unknown_key_is_told_with_the_nearest_known(typo, hint):
    values, (problem,) = read_options({typo: 1})
    assert values == {}
    assert (problem.key, problem.known, problem.hint) == (typo, False, hint)


def test_unknown_key_like_no_other_is_told_with_all_known():
    _, (problem,) = read_options({"COLOUR": "red"})
    assert problem.hint == f"The options are: {', '.join(OPTION_NAMES)}."


def test_unknown_key_does_not_keep_a_site_from_starting():
    assert parse_options("default", {"RETENTON": 1}) == Options()


def test_every_problem_is_told_at_once():
    _, problems = read_options({"TIMEOUT": "soon", "COLOUR": 1, "MAX_LOST": 0})
    assert [problem.key for problem in problems] == ["TIMEOUT", "COLOUR", "MAX_LOST"]


def test_rescue_that_comes_before_the_next_heartbeat_is_refused():
    with pytest.raises(ImproperlyConfigured, match=r"RESCUE_AFTER.*HEARTBEAT"):
        parse_options("default", {"HEARTBEAT": 10, "RESCUE_AFTER": 19})
    parse_options("default", {"HEARTBEAT": 10, "RESCUE_AFTER": 20})


@pytest.mark.parametrize(
    ("rescue_after", "silence"), [(20, 20), (29, 29), (30, 20), (40, 30), (60, 50)]
)
def test_one_late_heartbeat_is_no_death(rescue_after, silence):
    options = parse_options("default", {"HEARTBEAT": 10, "RESCUE_AFTER": rescue_after})
    assert options.silence == silence * SECOND


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("45", 45),
        ("45s", 45),
        (" 1.5 m ", 90),
        ("2h", 7200),
        ("7d", 604_800),
        ("1w", 604_800),
        ("0", 0),
    ],
)
def test_length_of_time_is_read_from_text(text, seconds):
    assert duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "value", ["", "s", "-5s", "5 years", "1e3", "٣s٣", "9999999999w", None, 10**400]
)
def test_what_is_no_length_of_time_is_refused(value):
    with pytest.raises(ValueError, match="no length of time"):
        duration(value)


@given(st.floats(min_value=0, max_value=3_155_760_000))
def test_seconds_up_to_a_century_are_read(seconds):
    assert duration(seconds) == timedelta(seconds=seconds)


@given(
    st.floats()
    | st.integers()
    | st.text()
    | st.none()
    | st.booleans()
    | st.timedeltas()
    | st.lists(st.integers())
)
def test_length_of_time_is_read_or_refused_but_never_out_of_range(value):
    try:
        length = duration(value)
    except ValueError:
        return
    assert timedelta() <= length <= 36_525 * DAY


def test_retention_is_kept_apart_by_outcome():
    kept = Retention(successful=SECOND, failed=DAY)
    assert retention(kept) is kept
    assert (kept.of(True), kept.of(False)) == (SECOND, DAY)


@given(
    st.dictionaries(
        st.sampled_from([*OPTION_NAMES, "OTHER"]),
        st.none() | st.integers() | st.text() | st.floats() | st.lists(st.text()),
    )
)
def test_any_options_are_read_or_told_of_but_never_crash(options: Mapping[str, Any]):
    values, problems = read_options(options)
    assert len(values) + len(problems) == len(options)
