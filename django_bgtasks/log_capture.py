"""What a task writes through ``logging``, kept in memory until its attempt ends.

Nothing is touched until a job is to be captured: then one handler is added to the
root logger, and passes each record to the attempt in whose context it was made.
"""

from __future__ import annotations

import logging
from collections import deque
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, NamedTuple

from . import payload

# The newest are kept.
MAX_RECORDS = 200
MAX_CHARACTERS = 64 * 1024
_CUT = MAX_CHARACTERS // 4
_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


class Captured(NamedTuple):
    """The records of an attempt as text, and how many older ones were left out."""

    text: str
    left_out: int


class Capture:
    """The newest records of one attempt."""

    def __init__(self, level: int) -> None:
        self.level = level
        self._lines: deque[str] = deque()
        self._size = 0
        self._left_out = 0

    def add(self, line: str) -> None:
        if len(line) > _CUT:
            line = f"{line[:_CUT]} ... {len(line) - _CUT} more characters"
        self._lines.append(line)
        self._size += len(line) + 1
        while len(self._lines) > MAX_RECORDS or self._size > MAX_CHARACTERS:
            self._size -= len(self._lines.popleft()) + 1
            self._left_out += 1

    def captured(self) -> Captured | None:
        """Return what there is so far, or None if that is nothing."""
        # A copy at once: a thread that the task has left behind may still write.
        lines = list(self._lines)
        return Captured("\n".join(lines), self._left_out) if lines else None


def read_level(value: Any) -> int | None:
    """Read False, True or the name of a level. Raise ValueError.

    None is not to capture; 0 takes whatever the loggers let through.
    """
    if value is None or value is False:
        return None
    if value is True:
        return 0
    if isinstance(value, str) and value.upper() in _LEVELS:
        return int(getattr(logging, value.upper()))
    raise ValueError(
        f"{value!r} is neither True, False nor one of {', '.join(_LEVELS)}"
    )


def begin(level: int) -> Capture:
    """Capture the records of this context from now on."""
    if _handler not in logging.root.handlers:
        logging.root.addHandler(_handler)
    capture = Capture(level)
    _current.set(capture)
    return capture


class _Handler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        capture = _current.get()
        if capture is None or record.levelno < capture.level:
            return
        try:
            capture.add(payload.printable(self.format(record)))
        except Exception:
            self.handleError(record)


class _Formatter(logging.Formatter):
    def formatTime(  # noqa: N802
        self, record: logging.LogRecord, datefmt: str | None = None
    ) -> str:
        moment = datetime.fromtimestamp(record.created, UTC)
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


_current: ContextVar[Capture | None] = ContextVar(
    "django_bgtasks_log_capture", default=None
)
_handler = _Handler()
_handler.setFormatter(_Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
