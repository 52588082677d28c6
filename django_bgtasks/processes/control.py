from __future__ import annotations

import os
from enum import Enum


class Order(Enum):
    """What a supervisor tells its worker."""

    STOP = b"s"
    NOW = b"n"
    ORPHANED = b""


class Control:
    """The worker's end of the pipe from its supervisor.

    Its closing tells that the supervisor is dead, however it died.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._asked = False
        self._ended = False
        os.set_blocking(descriptor, False)

    def fileno(self) -> int | None:
        """What to wait for an order at; None once there will be no more."""
        return None if self._ended else self._descriptor

    def ask_to_stop(self) -> None:
        """Note a signal; safe in a signal handler."""
        self._asked = True

    def read(self) -> Order | None:
        """Return the latest order."""
        try:
            text = os.read(self._descriptor, 64)
        except BlockingIOError:
            return Order.STOP if self._asked else None
        if not text:
            # From now on it can always be read, and would wake its waiter for ever.
            self._ended = True
            return Order.ORPHANED
        return Order(text[-1:])
