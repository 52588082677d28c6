from __future__ import annotations

import os
import select
import signal
from contextlib import suppress
from types import FrameType
from typing import Any

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class StopSignals:
    """SIGTERM and SIGINT, counted, and a wait that they cut short.

    So does the end of a child. Inside of ``with`` only, in the main thread: the
    command may have been called by a program that goes on.
    """

    def __init__(self) -> None:
        self.count = 0
        self._before: dict[int, Any] = {}
        self._pipe = (-1, -1)
        self._woken = -1

    def __enter__(self) -> StopSignals:
        self._pipe = os.pipe()
        for end in self._pipe:
            os.set_blocking(end, False)
        self._woken = signal.set_wakeup_fd(self._pipe[1], warn_on_full_buffer=False)
        handlers: dict[signal.Signals, Any] = dict.fromkeys(STOP_SIGNALS, self._note)
        handlers[signal.SIGCHLD] = lambda number, frame: None
        self._before = {each: signal.signal(each, handlers[each]) for each in handlers}
        return self

    def __exit__(self, *exception: object) -> None:
        signal.set_wakeup_fd(self._woken)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        for end in self._pipe:
            os.close(end)

    def ask(self) -> None:
        """Have it be as if one had come; safe from any thread."""
        self.count = max(self.count, 1)

    def wait(self, seconds: float) -> None:
        """Wait until something happens, and for ``seconds`` at most."""
        reader = self._pipe[0]
        select.select([reader], [], [], max(seconds, 0.0))
        with suppress(BlockingIOError):
            while os.read(reader, 512):
                pass

    def _note(self, number: int, frame: FrameType | None) -> None:
        # Only noted: an exception here could tear a commit from its answer.
        self.count += 1
