from __future__ import annotations

import logging
import random
import time
from typing import Any

from ..vendors import without_row
from .tidy import expire

logger = logging.getLogger("django_bgtasks.worker")

LONGEST_PAUSE = 2.0
_LOG_EVERY = 30.0


class Outage:
    """Paces the attempts to reach a database that is away, and bounds the log."""

    def __init__(self, vendor: Any) -> None:
        self._vendor = vendor
        self._since: float | None = None
        self._logged_at = 0.0
        self._pause = 0.0
        # A process that starts has a connection to set up, like one that lost it.
        self.must_recover = True

    def note(self, error: Exception) -> float:
        """Note a failure, and return how many seconds to wait."""
        clock = time.monotonic()
        if self._since is None:
            self._since, self._pause = clock, 0.05
            self._log("The database cannot be reached: %s", error)
        elif clock - self._logged_at > _LOG_EVERY:
            self._log("The database is still away: %s", error)
        self.must_recover = True
        self._vendor.leave_server()
        expire()
        self._pause = min(self._pause * 2, LONGEST_PAUSE)
        return self._pause * random.uniform(0.5, 1.0)

    def recovered(self) -> None:
        self.must_recover = False

    def over(self) -> None:
        if self._since is not None:
            away = time.monotonic() - self._since
            self._since = None
            # Also what was made meanwhile, to a server that only reads.
            self._vendor.forget_pooled()
            expire()
            logger.warning("The database is back after %.1f s.", away)

    def _log(self, message: str, error: Exception) -> None:
        self._logged_at = time.monotonic()
        logger.error(message, str(without_row(error)).strip())
