"""What the options of a task may be; each message names the option at fault."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from .compat import InvalidTask
from .conf import duration, retention
from .log_capture import read_level
from .sensitive import read_names

Delay = float | timedelta | datetime


def moment(value: Delay | None, argument: str) -> datetime | None:
    """Turn a delay from now, in seconds or as timedelta, into a moment."""
    if value is None or isinstance(value, datetime):
        return value
    given: Any = value
    if isinstance(given, (int, float, timedelta)) and type(given) is not bool:
        try:
            delay = value if isinstance(value, timedelta) else timedelta(seconds=value)
            return timezone.now() + delay
        except (ValueError, OverflowError) as error:
            raise InvalidTask(f"{argument} is invalid: {error}.") from error
    raise InvalidTask(
        f"{argument} takes seconds, a timedelta or an aware datetime, "
        f"not {type(value).__name__}."
    )


def check_options(task: Any) -> None:
    attempts = task.max_attempts
    if attempts is not None and (type(attempts) is not int or attempts < 1):
        raise InvalidTask(
            f"max_attempts must be a whole number of 1 or more, not {attempts!r}."
        )
    if type(task.priority) not in (int, float) or not -100 <= task.priority <= 100:
        raise InvalidTask(
            f"priority must be a whole number between -100 and 100, "
            f"not {task.priority!r}."
        )
    if not isinstance(task.atomic, bool):
        raise InvalidTask(f"atomic must be True or False, not {task.atomic!r}.")
    if task.atomic and inspect.iscoroutinefunction(task.func):
        raise InvalidTask(
            "atomic=True needs a sync function: Django's transactions are."
        )
    _check_place(task)
    _check_lengths(task)
    for name in ("retry_on", "no_retry_on"):
        _check_exceptions(name, getattr(task, name))
    _check_showing(task)
    if task.metadata is not None and not isinstance(task.metadata, Mapping):
        raise InvalidTask(
            f"metadata must be a dict, not {type(task.metadata).__name__}."
        )


def _check_place(task: Any) -> None:
    if getattr(task.func, "__name__", "") == "<lambda>":
        raise InvalidTask(
            "Task function must be defined at a module level, by def: a worker finds "
            "it by its name, and a lambda has none."
        )
    for name in ("queue_name", "backend"):
        if not isinstance(value := getattr(task, name), str):
            raise InvalidTask(f"{name} must be text, not {value!r}.")


def _check_lengths(task: Any) -> None:
    try:
        if task.timeout is not None and not duration(task.timeout):
            raise ValueError("must be more than 0 seconds")
    except ValueError as error:
        raise InvalidTask(f"timeout is invalid: {error}.") from error
    if task.backoff is not None and not callable(task.backoff):
        try:
            duration(task.backoff)
        except ValueError as error:
            raise InvalidTask(f"backoff is invalid: {error}.") from error
    if task.retention is not None:
        try:
            retention(task.retention)
        except ValueError as error:
            raise InvalidTask(f"retention is invalid: {error}.") from error
    if task.expires is None:
        return
    if isinstance(task.expires, datetime):
        if settings.USE_TZ and timezone.is_naive(task.expires):
            raise InvalidTask("expires must be an aware datetime.")
        return
    try:
        duration(task.expires)
    except ValueError as error:
        raise InvalidTask(f"expires is invalid: {error}.") from error


def _check_showing(task: Any) -> None:
    try:
        read_level(task.capture_logs)
    except ValueError as error:
        raise InvalidTask(f"capture_logs is invalid: {error}.") from error
    try:
        names = read_names(task.sensitive) or ()
    except ValueError as error:
        raise InvalidTask(f"sensitive is invalid: {error}.") from error
    if not names or names is True:
        return
    for parameter in inspect.signature(task.func).parameters.values():
        if parameter.kind is parameter.VAR_KEYWORD and parameter.name in names:
            raise InvalidTask(
                f"sensitive names **{parameter.name}, which is no argument: name the "
                f"keywords that it may take."
            )


def _check_exceptions(name: str, value: Any) -> None:
    classes = value if isinstance(value, (tuple, list)) else [value]
    for each in classes:
        if each is not None and not (
            isinstance(each, type) and issubclass(each, BaseException)
        ):
            raise InvalidTask(f"{name} takes exception classes, not {each!r}.")
