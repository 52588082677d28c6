"""How a worker learns of a commit on SQLite."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from math import inf
from typing import Any

from .file_events import FileEvents
from .watcher import ANYTHING, Watcher

# Seconds between looks at an idle queue all the same; between looks at the counter
# while each change has been heard; and between two words of a change.
_SWEEP_EVERY = 2.0
_HEARING_PAUSE = 1.0
_TELL_EVERY = 0.5
# For so long after a file was written to, the commit may still be under way.
_SETTLED_AFTER = 0.5
_AT_ONCE = 0.002


class ChangeWatcher(Watcher):
    """Asks SQLite whether another connection has committed since the last look.

    ``PRAGMA data_version`` reads a counter in shared memory; it takes no lock
    (https://www.sqlite.org/pragma.html#pragma_data_version). Where the kernel tells
    that the file is written to, the counter is read after that; else, and until a
    change has come with such word, it is read many times a second.
    """

    def __init__(self, connection: Any) -> None:
        super().__init__(shortest=0.005, longest=0.05)
        self._connection = connection
        self._version: int | None = None
        self._read_at = self._written_at = self._told_at = -inf
        self._is_untold = False
        self._events: FileEvents | None = None
        with suppress(OSError):
            # The log lies beside the file itself, not beside a link to it.
            name = os.path.realpath(str(connection.settings_dict["NAME"]))
            self._events = FileEvents((name, f"{name}-wal"))

    def fileno(self) -> int | None:
        if self._events is None or time.monotonic() - self._written_at < _AT_ONCE:
            # A file that is written to without end is not to wake it without end.
            return None
        return self._events.fileno()

    def stirred(self) -> bool:
        before, self._read_at = self._read_at, time.monotonic()
        changed = self._has_changed()
        # A file is written to before the change can be seen, so this comes second.
        if self._events is not None and self._events.read():
            self._written_at = self._read_at
        if changed:
            self.hears = self._written_at > min(before, self._read_at - 1)
            self._is_untold = True
        if self._is_untold and self._read_at - self._told_at >= _TELL_EVERY:
            self.messages.add(ANYTHING)
            self._told_at, self._is_untold = self._read_at, False
        # Now and then it looks all the same, so that a missed change only delays.
        if changed or self._read_at - self._looked_at >= _SWEEP_EVERY:
            self._looked_at = self._read_at
            return True
        return False

    def pause(self, busy: bool) -> float:
        pause = super().pause(busy)
        clock = time.monotonic()
        if self.hears:
            since = clock - self._written_at
            pause = _HEARING_PAUSE
            if since < _SETTLED_AFTER:
                pause = max(since, _AT_ONCE)
        if self._is_untold:
            pause = min(pause, max(self._told_at + _TELL_EVERY - clock, _AT_ONCE))
        return pause

    def tend(self, notify: Callable[[str], None]) -> None:
        with suppress(OSError):
            if self._events is not None:
                # The log is made anew now and then, under the same name.
                self._events.follow()

    def close(self) -> None:
        self.hears = False
        if self._events is not None:
            self._events.close()

    def _has_changed(self) -> bool:
        with self._connection.cursor() as cursor:
            cursor.execute("PRAGMA data_version")
            version = cursor.fetchone()[0]
        changed = version != self._version
        self._version = version
        return bool(changed)
