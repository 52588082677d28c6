"""The beat: looks at the schedules, and enqueues what is due.

Any number may run, apart or beside workers; none leads the others.
"""

from __future__ import annotations

import logging
import time
from typing import Any, Protocol

from django.core.exceptions import ImproperlyConfigured
from django.db import ProgrammingError

from ..periodic import plans, tick
from ..periodic.declare import declarations
from ..periodic.sync import sync
from ..vendors import OUTAGES, vendor_of, without_row
from .outage import Outage

logger = logging.getLogger("django_bgtasks.beat")

# Seconds between two looks at most: an edit counts within a second.
_LONGEST = 0.9
# While another beat holds what is due.
_SOON = 0.02
# After an error of ours, or of the rows.
_AFTER_ERROR = 1.0


class Station(Protocol):
    """Where a beat stands: who tells it to stop, and says that it lives."""

    def attend(self) -> None:
        """Say that the beat lives, if it is time; may raise one of OUTAGES."""

    def wait(self, seconds: float) -> None:
        """Wait, or less if there is something to do."""

    @property
    def is_over(self) -> bool:
        """Whether the beat is to stop."""


class Beat:
    """Run with ``run()``; it returns when its station says so, or after a burst."""

    def __init__(self, backend: Any, station: Station, *, burst: bool = False) -> None:
        self.backend = backend
        self.station = station
        self.burst = burst
        self.vendor = vendor_of(backend.connection)
        self.outage = Outage(self.vendor)
        self.failed = False
        # The database's time of the last look: what was edited was so since.
        self._since: Any = None
        self._has_begun = False

    def run(self) -> int:
        """Look until stopped; return 0, or 1 if a burst met an error."""
        while not self.station.is_over:
            pause = self._attempt()
            if self.burst and pause > _SOON:
                return int(self.failed)
            self.station.wait(pause)
        return 0

    def _attempt(self) -> float:
        """Look once, and return how many seconds to wait."""
        try:
            if self.outage.must_recover:
                self.vendor.prepare_worker()
                self.outage.recovered()
            self.station.attend()
            if not self._has_begun:
                self._begin()
            pause = self._look()
            self.outage.over()
        except OUTAGES as error:
            self.failed = True
            return self.outage.note(error)
        except Exception as error:
            self.failed = True
            logger.error(
                "A look at the schedules failed; the next follows.",
                exc_info=without_row(error),
            )
            return _AFTER_ERROR
        return pause

    def _begin(self) -> None:
        """Write the schedules that are declared in code and settings."""
        alias = self.backend.alias
        try:
            sync(self.backend.connection, alias, declarations(self.backend))
        except (*OUTAGES, ProgrammingError):
            # Among others, of tables that are yet to be migrated.
            raise
        except Exception as error:
            self.failed = True
            told = without_row(error)
            logger.error(
                "Declared schedules stay as they were: %s",
                told,
                exc_info=None if isinstance(error, ImproperlyConfigured) else told,
            )
        plans.try_again(self.vendor, alias)
        self._has_begun = True

    def _look(self) -> float:
        began = time.monotonic()
        look = tick.look(self.vendor, self.backend, self._since)
        self._since = look.now
        if look.enqueued:
            logger.info("Enqueued what was due: %d jobs.", look.enqueued)
        if look.is_full:
            return 0.0
        if look.wake_at is None:
            return _LONGEST
        left = (look.wake_at - look.now).total_seconds()
        if left <= 0:
            return _SOON
        return min(max(left - (time.monotonic() - began), 0.0), _LONGEST)
