"""The decorator and ``using``: what they take, and how they refuse the rest."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from django.utils import timezone

from django_bgtasks import BgTask, exponential, task
from django_bgtasks.compat import InvalidTask
from django_bgtasks.conf import Retention

MINUTE = timedelta(minutes=1)


def function(number: int) -> int:
    return number


def with_context(context: Any, number: int) -> int:
    return number


def with_options(**options: Any) -> None:
    pass


async def coroutine() -> None:
    pass


class Callable:
    def __call__(self) -> None:
        pass

    def method(self) -> None:
        pass

    @classmethod
    def made(cls) -> None:
        pass


def test_bare_decorator_takes_the_defaults():
    made = task(function)
    assert isinstance(made, BgTask)
    assert made.func is function
    assert made.name == "function"
    assert made.module_path == f"{__name__}.function"
    assert (made.priority, made.queue_name, made.backend) == (0, "default", "default")
    assert (made.max_attempts, made.backoff, made.timeout) == (None, None, None)
    assert made.atomic is False


GOOD: dict[str, list[Any]] = {
    "priority": [-100, 0, 100, 5.0],
    "queue_name": ["mail"],
    "backend": ["default"],
    "takes_context": [False],
    "max_attempts": [None, 1, 50],
    "backoff": [None, 0, 5, 0.5, MINUTE, "30s", exponential(), lambda *args: 1],
    "timeout": [None, 0.1, 30, MINUTE, "5m"],
    "expires": [None, 60, MINUTE],
    "atomic": [True, False],
    "retry_on": [None, OSError, (OSError, KeyError), [OSError], ()],
    "no_retry_on": [OSError, (OSError,), [], ()],
    "retention": [None, 0, "7d", MINUTE, {"successful": 0}, Retention()],
    "sensitive": [None, True, False, ("number",), ["number", "key within"], ()],
    "capture_logs": [None, True, False, "INFO", "warning"],
}
BAD: dict[str, list[Any]] = {
    "priority": [101, -101, 1.5, "high", None, True, math.nan, math.inf, 10**30],
    "queue_name": ["nowhere", "", None, 5, ["mail"]],
    "max_attempts": [0, -1, 1.5, "3", True],
    "backoff": ["soon", -1, [], True, math.nan],
    "timeout": [0, -1, "soon", True, [], math.nan, timedelta(), timedelta(-1)],
    "expires": [-1, "soon", True, [], math.inf, datetime(2026, 1, 1)],
    "atomic": ["yes", 1, None],
    "retry_on": [OSError(), "OSError", int, [OSError, "x"], 5],
    "no_retry_on": [OSError(), "OSError", int, (1,)],
    "retention": ["long", -1, {"succesful": 0}, {"failed": -1}, [], True],
    "sensitive": ["number", 5, (1,), ("",)],
    "capture_logs": ["LOUD", 20, [], "30"],
}


@pytest.mark.parametrize(
    ("option", "value"),
    [(option, value) for option, values in GOOD.items() for value in values],
)
def test_option_is_kept_as_given(option, value):
    assert getattr(task(**{option: value})(function), option) == value


@pytest.mark.parametrize(
    ("option", "value"),
    [(option, value) for option, values in BAD.items() for value in values],
)
def test_value_that_cannot_be_is_refused_and_the_option_named(option, value):
    with pytest.raises(InvalidTask) as refusal:
        task(**{option: value})(function)
    # Django's own words for an unknown queue name the queue.
    assert option in str(refusal.value) or "is not valid for backend" in str(
        refusal.value
    )


def test_every_option_is_tried():
    with pytest.raises(TypeError) as refusal:
        task(colour="red")
    listed = str(refusal.value).partition("The options are: ")[2].rstrip(".")
    assert set(listed.split(", ")) == set(GOOD)
    assert set(BAD) == set(GOOD) - {"backend", "takes_context"}


def test_unknown_option_is_named():
    with pytest.raises(TypeError, match="unexpected option 'max_retries'"):
        task(max_retries=3)


def test_moment_to_run_is_no_option_of_the_declaration():
    with pytest.raises(TypeError, match="unexpected option 'run_after'"):
        task(run_after=5)


@pytest.mark.parametrize(
    "thing",
    [
        lambda: None,
        partial(function, 1),
        Callable(),
        Callable().method,
        Callable.made,
        Callable,
        print,
        5,
        "function",
    ],
    ids=lambda thing: type(thing).__name__,
)
def test_what_is_no_function_of_a_module_is_refused(thing):
    with pytest.raises(InvalidTask, match="module level"):
        task(thing)


def test_nested_function_is_refused():
    def nested() -> None:
        pass

    with pytest.raises(InvalidTask, match="module level"):
        task(nested)


def test_context_must_be_the_first_argument():
    with pytest.raises(InvalidTask, match="first argument of 'context'"):
        task(takes_context=True)(function)
    assert task(takes_context=True)(with_context).takes_context


def test_sensitive_keywords_are_named_each():
    with pytest.raises(InvalidTask, match=r"sensitive names \*\*options"):
        task(sensitive=("options",))(with_options)


def test_coroutine_cannot_be_atomic():
    with pytest.raises(InvalidTask, match="atomic=True needs a sync function"):
        task(atomic=True)(coroutine)


def test_using_changes_a_copy():
    made = task(priority=1, max_attempts=5, timeout=9)(function)
    copy = made.using(priority=2, queue_name="mail", metadata={"user": 1})
    assert (copy.priority, copy.queue_name, copy.metadata) == (2, "mail", {"user": 1})
    assert (copy.max_attempts, copy.timeout, copy.func) == (5, 9, function)
    assert (made.priority, made.queue_name, made.metadata) == (1, "default", None)


def test_using_nothing_is_the_same_task():
    made = task(function)
    assert made.using() == made


@pytest.mark.parametrize("delay", [60, 60.0, MINUTE])
def test_run_after_takes_a_delay_from_now(delay):
    before = timezone.now()
    made = task(function).using(run_after=delay)
    assert before + MINUTE <= made.run_after <= timezone.now() + MINUTE


def test_run_after_takes_an_aware_moment():
    moment = datetime(2030, 1, 1, tzinfo=UTC)
    assert task(function).using(run_after=moment).run_after == moment


@pytest.mark.parametrize("value", ["tomorrow", True, [], Decimal(5)])
def test_run_after_of_another_type_is_refused_by_name(value):
    with pytest.raises(InvalidTask, match="run_after takes seconds, a timedelta or"):
        task(function).using(run_after=value)


def test_naive_run_after_is_refused_by_name():
    with pytest.raises(InvalidTask, match="run_after must be an aware datetime"):
        task(function).using(run_after=datetime(2030, 1, 1))


@pytest.mark.parametrize(
    "value", [math.nan, math.inf, -math.inf, 1e300, 10**400, timedelta.max]
)
def test_run_after_beyond_all_calendars_is_refused_by_name(value):
    with pytest.raises(InvalidTask, match="run_after"):
        task(function).using(run_after=value)


@pytest.mark.parametrize("value", [[], "text", 5, {1, 2}])
def test_metadata_that_is_no_dict_is_refused_by_name(value):
    with pytest.raises(InvalidTask, match="metadata must be a dict"):
        task(function).using(metadata=value)


@pytest.mark.parametrize(
    "policy", ["max_attempts", "backoff", "timeout", "atomic", "retention"]
)
def test_policy_is_fixed_where_the_task_is_declared(policy):
    with pytest.raises(TypeError, match=policy):
        task(function).using(**{policy: 1})


def test_task_never_changes():
    with pytest.raises(AttributeError):
        task(function).priority = 5
