from __future__ import annotations

import time
from datetime import timedelta

from ..upkeep import presence
from ..vendors import Vendor
from .board import Board

# Seconds between looks for the own row.
_LOOK_EVERY = 1.0


class Lease:
    """Whether a worker process still counts as alive among those who rescue.

    Its supervisor says so in the database, and notes on the board when it did. While
    that is recent, and nothing runs that somebody else might run as well, the database
    is not asked.
    """

    def __init__(
        self, vendor: Vendor, process: int, board: Board, rescue_after: timedelta
    ) -> None:
        self._vendor = vendor
        self._process = process
        self._board = board
        self._patience = rescue_after.total_seconds() / 2
        self._stepped_at = time.monotonic()
        self._next = 0.0

    def has_ended(self, clock: float, *, busy: bool) -> bool:
        """Tell whether others took this process for dead; to be called each step.

        It may have stood still, or its supervisor does, which says that it lives.
        """
        gap, self._stepped_at = clock - self._stepped_at, clock
        stood_still = gap > self._patience
        if clock < self._next and not stood_still:
            return False
        vouched = clock - self._board.vouched_at < self._patience
        if vouched and not (busy or stood_still):
            return False
        present = presence.is_present(self._vendor, self._process)
        self._next = clock + _LOOK_EVERY
        return not present
