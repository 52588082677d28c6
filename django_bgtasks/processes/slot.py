"""An exception raised in another thread, at its next bytecode, and only there."""

from __future__ import annotations

import ctypes
import threading

from ..exceptions import TaskCancelled, TaskTimeout
from ..lifecycle.outcome import Execution

_set_async_exc = ctypes.pythonapi.PyThreadState_SetAsyncExc
INTERRUPTS = (TaskTimeout, TaskCancelled)


class Slot:
    """One thread's place: what it runs, and the way to interrupt just that.

    The exception is sent once, under the lock, and only while the task's own code
    runs: raised in the middle of a commit or an import it would do harm. It may
    still be raised in the last steps of ``enter`` and ``leave``; ``close`` sees to
    it that it goes no further.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self.execution: Execution | None = None
        # When the thread's connections were last looked after, by the local clock.
        self.tidied = 0.0
        # The aliases of those that it has made.
        self.databases: list[str] = []
        # Reentrant, as its holder may be interrupted.
        self._lock = threading.RLock()
        self._thread = 0
        self._inside = False
        self._asked: type[BaseException] | None = None

    def open(self, execution: Execution) -> None:
        """Say what the calling thread runs from now on."""
        self._thread = threading.get_ident()
        self._inside, self._asked = False, None
        self.execution = execution

    def enter(self) -> None:
        """Let interrupts in; one that came before is raised now."""
        with self._lock:
            self._inside = True
            if self._asked is not None:
                raise self._asked

    def leave(self) -> None:
        """Let no interrupt in any more; take back one that was not raised yet."""
        with self._lock:
            if self._inside and self._asked is not None:
                _set_async_exc(ctypes.c_ulong(self._thread), None)
            self._inside = False

    def interrupt(self, execution: Execution, exception: type[BaseException]) -> bool:
        """Raise ``exception`` in the thread if it still runs ``execution``.

        Only once: what cleans up after an interrupt is not interrupted.
        """
        if not self._lock.acquire(timeout=1):
            return False
        try:
            if self.execution is not execution or self._asked is not None:
                return False
            self._asked = exception
            if self._inside:
                _set_async_exc(
                    ctypes.c_ulong(self._thread), ctypes.py_object(exception)
                )
            return True
        finally:
            self._lock.release()

    def close(self) -> bool:
        """End the execution's claim on the thread; nothing reaches it any more.

        Return whether an interrupt was asked for.
        """
        with self._lock:
            self.leave()
            self.execution = None
            return self._asked is not None
