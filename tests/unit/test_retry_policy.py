"""Whether and when a failed attempt is followed by another."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any

import pytest

from django_bgtasks import Abort, Retry, TaskCancelled, TaskTimeout
from django_bgtasks.conf import Retention
from django_bgtasks.lifecycle.outcome import Plan
from django_bgtasks.lifecycle.retry import next_attempt

NOW = datetime(2026, 3, 29, 12, tzinfo=UTC)
TEN = timedelta(seconds=10)
ONCE = Plan(
    task=None,
    sender=object,
    is_async=False,
    atomic=False,
    max_attempts=1,
    backoff=lambda exception, result: 10,
    timeout=None,
    retry_on=None,
    no_retry_on=(),
    retention=Retention(),
    max_payload=1024,
)
THRICE = replace(ONCE, max_attempts=3)


def after(
    exception: BaseException, attempts: int = 1, plan: Plan = THRICE, **changes: Any
) -> datetime | None:
    result = SimpleNamespace(attempts=attempts)
    return next_attempt(replace(plan, **changes), exception, result, NOW)


def test_exception_ends_a_job_that_may_run_once():
    assert after(ValueError(), plan=ONCE) is None


def test_exception_is_retried_until_the_attempts_are_used_up():
    assert after(ValueError(), attempts=1) == NOW + TEN
    assert after(ValueError(), attempts=2) == NOW + TEN
    assert after(ValueError(), attempts=3) is None


def test_more_attempts_than_allowed_end_it_too():
    # The limit was lowered since, or attempts were lost to dying processes.
    assert after(ValueError(), attempts=7) is None


@pytest.mark.parametrize("error", [SystemExit(), GeneratorExit(), TaskTimeout()])
def test_every_exception_counts(error):
    assert after(error) == NOW + TEN


def test_backoff_is_asked_with_the_exception_and_the_result():
    seen = []

    def backoff(exception: BaseException, result: Any) -> float:
        seen.append((exception, result.attempts))
        return 1.5

    error = ValueError()
    due = after(error, attempts=2, backoff=backoff)
    assert due == NOW + timedelta(seconds=1.5)
    assert seen == [(error, 2)]


@pytest.mark.parametrize("delay", [10, 10.0, TEN, "10s"])
def test_backoff_returns_seconds_or_a_timedelta(delay):
    assert after(ValueError(), backoff=lambda *args: delay) == NOW + TEN


def test_backoff_returns_none_to_give_up():
    assert after(ValueError(), backoff=lambda *args: None) is None


@pytest.mark.parametrize("delay", [-1, -0.5, timedelta(days=-1), float("-inf")])
def test_negative_delay_means_at_once(delay):
    assert after(ValueError(), backoff=lambda *args: delay) == NOW
    assert after(Retry(after=delay)) == NOW


@pytest.mark.parametrize(
    "delay", ["soon", object(), True, float("nan"), float("inf"), timedelta.max]
)
def test_backoff_that_returns_no_delay_is_an_error(delay):
    with pytest.raises(ValueError, match="no length of time"):
        after(ValueError(), backoff=lambda *args: delay)


def test_retry_on_names_what_is_worth_it():
    changes = {"retry_on": (OSError, KeyError)}
    assert after(ConnectionError(), **changes)
    assert after(KeyError(), **changes)
    assert after(ValueError(), **changes) is None


def test_no_retry_on_names_what_is_not():
    changes = {"no_retry_on": (OSError,)}
    assert after(ConnectionError(), **changes) is None
    assert after(ValueError(), **changes)


def test_no_retry_on_is_the_stronger():
    changes = {"retry_on": (OSError,), "no_retry_on": (ConnectionError,)}
    assert after(ConnectionError(), **changes) is None
    assert after(FileNotFoundError(), **changes)


def test_abort_ends_it_whatever_is_left():
    assert after(Abort()) is None
    assert after(Abort(), retry_on=(Abort,)) is None


def test_cancelling_ends_it_whatever_is_left():
    assert after(TaskCancelled()) is None


def test_retry_overrides_the_policy():
    assert after(Retry(), attempts=99) == NOW + TEN
    assert after(Retry(), plan=ONCE) == NOW + TEN
    assert after(Retry(), no_retry_on=(Exception,)) == NOW + TEN


def test_retry_names_its_delay():
    assert after(Retry(after=60)) == NOW + timedelta(minutes=1)
    assert after(Retry(after=timedelta(hours=1))) == NOW + timedelta(hours=1)
    assert after(Retry(after=0)) == NOW


def test_retry_names_a_moment():
    moment = datetime(2026, 3, 30, 8, tzinfo=timezone(timedelta(hours=2)))
    assert after(Retry(after=moment)) == moment


def test_retry_without_a_delay_can_still_be_declined_by_the_backoff():
    assert after(Retry(), backoff=lambda *args: None) is None


@pytest.mark.parametrize("value", ["5s", True, [], object()])
def test_retry_after_something_else_is_refused_by_name(value):
    with pytest.raises(TypeError, match=r"Retry\(after=\.\.\.\) takes seconds"):
        Retry(after=value)


def test_retry_tells_why():
    assert str(Retry("The bank is closed.")) == "The bank is closed."
    assert str(Retry()) == "The task asked to be run again."
