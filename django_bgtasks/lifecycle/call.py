"""A call of a task, checked before anything of it is written."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from datetime import MAXYEAR, MINYEAR, datetime, timedelta
from functools import lru_cache
from math import inf
from typing import Any, NamedTuple

from django.utils import timezone

from .. import payload
from ..compat import InvalidTask
from ..conf import duration
from ..exceptions import InvalidArguments

Call = tuple[Sequence[Any], Mapping[str, Any]]


class Common(NamedTuple):
    """What all calls of one enqueue share. ``metadata`` is JSON."""

    run_after: datetime | None
    expires_at: datetime | None
    metadata: str | None


def common_of(task: Any, limit: int) -> Common:
    """Return what a task says of all its calls. Raise InvalidTask."""
    check_lengths(task)
    metadata = getattr(task, "metadata", None)
    if metadata is not None:
        normal = payload.normalize(metadata, "metadata")
        metadata = payload.dump(normal, "metadata", limit)
    _check_year(task.run_after, "run_after")
    expires_at = _expires_at(task)
    _check_year(expires_at, "expires")
    return Common(task.run_after, expires_at, metadata)


def check_lengths(task: Any) -> None:
    """Raise InvalidTask if a name of a task does not fit into its column."""
    if len(task.module_path) > 255:
        raise InvalidTask(f"The task's path {task.module_path!r} is over 255 long.")
    if len(task.queue_name) > 128:
        raise InvalidTask(f"queue_name {task.queue_name!r} is over 128 long.")


def _check_year(moment: datetime | None, option: str) -> None:
    """Raise InvalidTask for a moment that has no date in every zone."""
    if moment is not None and not MINYEAR < moment.year < MAXYEAR:
        raise InvalidTask(
            f"{option} is invalid: {moment.isoformat()} is at the end of the calendar."
        )


def _expires_at(task: Any) -> datetime | None:
    expires = getattr(task, "expires", None)
    if expires is None or isinstance(expires, datetime):
        return expires
    start: datetime = task.run_after or timezone.now()
    length: timedelta = duration(expires)
    try:
        return start + length
    except OverflowError as error:
        raise InvalidTask(f"expires is invalid: {error}.") from error


def checked(task: Any, call: Call, where: str = "") -> tuple[list[Any], dict[str, Any]]:
    """Return the arguments as strict JSON that fits the task's function.

    Raise InvalidArguments (a TypeError); its message begins with ``where``.
    """
    try:
        args, kwargs = call
    except (TypeError, ValueError):
        raise InvalidArguments(f"{where}it is no pair of args and kwargs.") from None
    arguments = (
        payload.normalize(args, f"{where}args"),
        payload.normalize(kwargs, f"{where}kwargs"),
    )
    if type(arguments[0]) is not list:
        kind = type(args).__name__
        raise InvalidArguments(f"{where}args must be a list or tuple, not {kind}.")
    if type(arguments[1]) is not dict:
        kind = type(kwargs).__name__
        raise InvalidArguments(f"{where}kwargs must be a dict, not {kind}.")
    least, most = _positional(task.func)
    count = len(arguments[0]) + task.takes_context
    if arguments[1] or not least <= count <= most:
        _bind(task, arguments, where)
    return arguments


def _bind(task: Any, arguments: tuple[list[Any], dict[str, Any]], where: str) -> None:
    leading = (None,) if task.takes_context else ()
    try:
        _signature(task.func).bind(*leading, *arguments[0], **arguments[1])
    except TypeError as error:
        raise InvalidArguments(
            f"{where}{task.module_path}() cannot be called so: {error}."
        ) from None


_signature = lru_cache(maxsize=4096)(inspect.signature)


@lru_cache(maxsize=4096)
def _positional(func: Callable[..., Any]) -> tuple[float, float]:
    """How many arguments, all positional, a function takes at least and at most."""
    least, most = 0.0, 0.0
    for parameter in _signature(func).parameters.values():
        required = parameter.default is parameter.empty
        if parameter.kind is parameter.VAR_POSITIONAL:
            most = inf
        elif parameter.kind is parameter.KEYWORD_ONLY:
            least += inf if required else 0
        elif parameter.kind is not parameter.VAR_KEYWORD:
            least, most = least + required, most + 1
    return least, most
