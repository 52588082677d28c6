"""What the package raises, and what a task may raise to steer its own fate."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

_MOMENTS: tuple[type, ...] = (int, float, timedelta, datetime, type(None))


class Retry(Exception):
    """Raise in a task to have it run again, whatever its policy says.

    ``after`` is a delay (seconds or a timedelta) or a moment (an aware
    datetime). Without it the task's ``backoff`` decides. ``max_attempts`` does
    not apply: the task itself asked.
    """

    def __init__(
        self, message: str = "", *, after: float | timedelta | datetime | None = None
    ) -> None:
        given: Any = after
        if type(given) is bool or not isinstance(given, _MOMENTS):
            raise TypeError(
                f"Retry(after=...) takes seconds, a timedelta or a datetime, "
                f"not {type(after).__name__}."
            )
        super().__init__(message or "The task asked to be run again.")
        self.after = after


class Abort(Exception):
    """Raise in a task to end it as FAILED at once, without another attempt."""


class TaskTimeout(TimeoutError):
    """Raised inside a task that runs longer than its ``timeout``."""


class TaskCancelled(BaseException):
    """Raised inside a running task that was cancelled.

    It derives from BaseException, as ``asyncio.CancelledError`` does, so that
    an ``except Exception`` in the task does not swallow it.
    """


class TaskExpired(Exception):
    """Recorded for a job that was not started before it expired."""


class TaskLost(Exception):
    """Recorded for an attempt whose process died while it ran."""


class UnknownTask(Exception):
    """The task path of a job names nothing that is a declared task."""


class InvalidArguments(TypeError, ValueError):
    """An argument, metadata or a return value cannot be stored as JSON.

    Raised before anything is written. The message names the value at fault,
    such as ``args[0]['when']``.
    """


class LateFinish(Exception):
    """The job is no longer this attempt's: it was rescued or cancelled meanwhile.

    Raised to roll back the body of an ``atomic=True`` task whose attempt is no
    longer the one that counts.
    """
