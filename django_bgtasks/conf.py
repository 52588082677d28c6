"""The OPTIONS of a backend: every setting of the package, its type and default.

They live in ``TASKS[alias]["OPTIONS"]`` and nowhere else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import timedelta
from difflib import get_close_matches
from functools import lru_cache
from inspect import iscoroutinefunction
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from .backoff import Backoff, exponential
from .log_capture import read_level
from .sensitive import read_names

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_CENTURY = timedelta(days=36525)


def duration(value: Any) -> timedelta:
    """Read seconds, a timedelta, or text such as ``"30s"``, ``"5m"``, ``"7d"``.

    Raise ValueError for anything else, for negative lengths and for more than
    a century.
    """
    if isinstance(value, timedelta):
        length = value
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        if not abs(value) <= _CENTURY.total_seconds():
            raise ValueError(f"{value!r} is no length of time within a century")
        length = timedelta(seconds=value)
    elif isinstance(value, str) and (
        match := re.fullmatch(r"(\d{1,10}(?:\.\d+)?)\s*([smhdw]?)", value.strip())
    ):
        return duration(float(match[1]) * _UNITS[match[2] or "s"])
    else:
        raise ValueError(
            f"{value!r} is no length of time: give seconds, a timedelta, or text "
            f"such as '30s', '5m', '2h', '7d'"
        )
    if not timedelta() <= length <= _CENTURY:
        raise ValueError(f"{value!r} is no length of time within a century")
    return length


@dataclass(frozen=True, slots=True)
class Retention:
    """How long finished jobs are kept. None keeps them for ever, zero not at all."""

    successful: timedelta | None = timedelta(days=7)
    failed: timedelta | None = timedelta(days=30)

    def of(self, succeeded: bool) -> timedelta | None:
        return self.successful if succeeded else self.failed


def retention(value: Any) -> Retention:
    """Read one length for all jobs, or a dict by ``successful`` and ``failed``."""
    if isinstance(value, Retention):
        return value
    if not isinstance(value, Mapping):
        length = _optional(duration)(value)
        return Retention(length, length)
    if unknown := set(value) - {"successful", "failed"}:
        raise ValueError(
            f"unknown key {min(map(str, unknown))!r}: "
            f"'successful' and 'failed' are the two there are"
        )
    lengths = {key: _optional(duration)(item) for key, item in value.items()}
    return Retention(**lengths)


def _optional(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value is None else read(value)


def _positive(value: Any) -> timedelta:
    if not (length := duration(value)):
        raise ValueError("must be more than 0 seconds")
    return length


def _whole(least: int) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise ValueError(f"{value!r} is no whole number of {least} or more")
        return value

    return read


def _alias(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"{value!r} is no alias of DATABASES")
    return value


def _backoff(value: Any) -> Backoff:
    """Read a callable, its dotted path, or a fixed delay."""
    if isinstance(value, str) and not value[:1].isdigit():
        try:
            value = import_string(value)
        except ImportError as error:
            raise ValueError(str(error)) from error
    if not callable(value):
        delay = duration(value)
        return lambda exception, task_result: delay
    return value  # type: ignore[no-any-return]


def _listen(value: Any) -> bool | str:
    if isinstance(value, bool) or (isinstance(value, str) and value):
        return value
    raise ValueError(f"{value!r} is neither True, False nor an alias of DATABASES")


def _modules(value: Any) -> tuple[str, ...]:
    if isinstance(value, str) or not all(isinstance(item, str) for item in value):
        raise ValueError("is a list of dotted module paths")
    return tuple(value)


def permission(value: Any) -> Callable[..., Any]:
    """Return a callable that answers at once; raise ValueError for anything else."""
    if not callable(value):
        raise ValueError(f"{value!r} is neither a callable nor the dotted path of one")
    # What a coroutine function returns is true, whatever it would say.
    if iscoroutinefunction(value) or iscoroutinefunction(type(value).__call__):
        raise ValueError(f"{value!r} is a coroutine function; give one that is not")
    found: Callable[..., Any] = value
    return found


def _permission(value: Any) -> Callable[..., Any] | str:
    """Read a callable or its dotted path, which is imported when it is needed.

    Backends are built before the apps are ready, and a permission asks models.
    """
    if isinstance(value, str) and re.fullmatch(r"\w+(\.\w+)+", value):
        return value
    return permission(value)


def _names(value: Any) -> tuple[str, ...]:
    names = read_names(value)
    if names is True:
        raise ValueError("is a list of names; True is for a task to say")
    return names or ()


def _capture(value: Any) -> bool | str:
    read_level(value)
    return value or False


def _schedules(value: Any) -> tuple[tuple[str, Mapping[str, Any]], ...]:
    """Read the shape only: what each schedule says is read when there are tasks."""
    if not isinstance(value, Mapping):
        raise ValueError("is a dict of schedules by their names")
    for name, options in value.items():
        if not isinstance(name, str):
            raise ValueError(f"has the name {name!r}, which is no text")
        if not isinstance(options, Mapping):
            raise ValueError(f"{name!r} is a dict of options, not {options!r}")
    return tuple(value.items())


def _option(default: Any, read: Callable[[Any], Any]) -> Any:
    return field(default=default, metadata={"read": read})


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The settings of one backend, read and checked. Lengths are timedeltas."""

    # Alias of the database that holds the queue; None asks the router.
    database: str | None = _option(None, _optional(_alias))
    # Attempts of a job whose task names no max_attempts of its own.
    max_attempts: int = _option(1, _whole(1))
    backoff: Backoff = _option(exponential(), _backoff)
    # How long a task may run; None is for ever.
    timeout: timedelta | None = _option(None, _optional(_positive))
    # How long a task that was timed out or cancelled may take to yield before
    # its process is replaced.
    timeout_grace: timedelta = _option(timedelta(seconds=5), duration)
    # How often a worker says that it lives, and when silence means death.
    heartbeat: timedelta = _option(timedelta(seconds=5), _positive)
    rescue_after: timedelta = _option(timedelta(seconds=20), _positive)
    # Attempts that a job may lose to dying processes before it is failed.
    max_lost: int = _option(3, _whole(1))
    retention: Retention = _option(Retention(), retention)
    # How long the history of schedules is kept; None keeps it for ever.
    tick_retention: timedelta | None = _option(timedelta(days=30), _optional(_positive))
    # PostgreSQL: hear of new jobs by LISTEN. An alias of DATABASES names a direct
    # connection for it, where the queue's own goes through a pooler.
    listen: bool | str = _option(True, _listen)
    # Bytes of JSON that arguments, metadata or a return value may take.
    max_payload: int = _option(4 * 1024 * 1024, _whole(1024))
    # Modules outside of the installed apps that declare tasks.
    task_modules: tuple[str, ...] = _option((), _modules)
    # Schedules by their names; see periodic.declare.
    schedules: tuple[tuple[str, Mapping[str, Any]], ...] = _option((), _schedules)
    # Whether what tasks log is kept with their jobs: True, or from a level on.
    capture_logs: bool | str = _option(False, _capture)
    # Names of arguments, and of keys within, that are hidden where jobs are shown.
    sensitive: tuple[str, ...] = _option(
        ("password", "secret", "token", "api_key"), _names
    )
    # Who may follow a job on the site's pages: a callable(request, result) or its
    # dotted path. None lets in who holds a token.
    status_permission: Callable[..., Any] | str | None = _option(
        None, _optional(_permission)
    )
    # How long such a token is good for.
    status_token_age: timedelta = _option(timedelta(days=1), _positive)
    # How long one answer of the event stream lasts before the browser asks again;
    # zero offers no stream.
    status_stream: timedelta = _option(timedelta(seconds=25), duration)

    def __post_init__(self) -> None:
        if self.rescue_after < 2 * self.heartbeat:
            raise ImproperlyConfigured(
                "OPTIONS['RESCUE_AFTER'] must be at least twice OPTIONS['HEARTBEAT'], "
                "or live workers lose their jobs."
            )

    @property
    def silence(self) -> timedelta:
        """How long a process may be silent where that is looked at once a heartbeat.

        The dead are to be found in time, but one late heartbeat is no death.
        """
        left = self.rescue_after - self.heartbeat
        return left if left >= 2 * self.heartbeat else self.rescue_after


OPTION_NAMES = tuple(each.name.upper() for each in fields(Options))


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one key of OPTIONS, and what to do about it."""

    key: str
    message: str
    hint: str | None = None
    known: bool = True


def read_options(options: Mapping[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
    """Return the values that could be read and what is wrong with the rest."""
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    readers = {each.name.upper(): each for each in fields(Options)}
    for key, value in options.items():
        if key not in readers:
            near = get_close_matches(str(key).upper(), OPTION_NAMES, 1)
            hint = f"Did you mean {near[0]!r}?" if near else _all_options()
            problems.append(Problem(str(key), "is no option", hint, known=False))
            continue
        try:
            values[readers[key].name] = readers[key].metadata["read"](value)
        except (ValueError, TypeError) as error:
            problems.append(Problem(key, f"is invalid: {error}"))
    return values, problems


def parse_options(alias: str, options: Mapping[str, Any]) -> Options:
    """Return the settings of a backend, or raise ImproperlyConfigured.

    Unknown keys are left to the system checks, which name the nearest known
    one: they must not keep a site from starting.
    """
    values, problems = read_options(options)
    for problem in problems:
        if problem.known:
            raise ImproperlyConfigured(
                f"TASKS[{alias!r}]['OPTIONS'][{problem.key!r}] {problem.message}."
            )
    return Options(**values)


@lru_cache(maxsize=1)
def _all_options() -> str:
    return f"The options are: {', '.join(OPTION_NAMES)}."
