"""Where a beat stands: by itself, or as the child of a supervisor."""

from __future__ import annotations

import logging
import os
import time
from typing import Any

from ..compat import task_backends
from ..upkeep import presence
from ..vendors import OUTAGES, vendor_of
from ..vendors.keepalive import notice_lost_servers
from .beat import Beat
from .config import BeatConfig
from .control import Control
from .memory import resident_bytes
from .sleep import sleep
from .stop_signals import StopSignals

logger = logging.getLogger("django_bgtasks.beat")


def run_alone(config: BeatConfig) -> int:
    """Run ``runbeat`` until it is stopped, and return its exit code."""
    backend: Any = task_backends[config.backend]
    notice_lost_servers()
    with Alone(backend, config.name) as station:
        logger.info("Starting; the beat is %s.", station.name)
        code = Beat(backend, station, burst=config.burst).run()
        logger.info("Stopped.")
    return code


class Alone:
    """A process of its own, which says itself that it lives."""

    def __init__(self, backend: Any, name: str) -> None:
        self.vendor = vendor_of(backend.connection)
        self.options = backend.settings
        self.name = presence.unique_name(name)
        self.signals = StopSignals()
        self._process_id: int | None = None
        self._next = 0.0

    def __enter__(self) -> Alone:
        self.signals.__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        try:
            if self._process_id is not None:
                presence.leave(self.vendor, self._process_id)
        except OUTAGES as error:
            # Supervisors will find that it is silent.
            logger.warning("Its row in Process stays: %s", str(error).strip())
        finally:
            self.signals.__exit__(*exception)

    @property
    def is_over(self) -> bool:
        return self.signals.count > 0

    def attend(self) -> None:
        if time.monotonic() < self._next:
            return
        if self._process_id is None:
            arrival = presence.Arrival(kind="beat", name=self.name, pid=os.getpid())
            self._process_id = presence.arrive(self.vendor, arrival)
        memory = {self._process_id: resident_bytes()}
        present = presence.beat(self.vendor, memory.keys(), memory)
        if self._process_id not in present:
            # It was taken for dead. That is no harm: it held nothing.
            self._process_id = None
            return
        if present[self._process_id]:
            self.signals.ask()
        self._next = time.monotonic() + self.options.heartbeat.total_seconds()

    def wait(self, seconds: float) -> None:
        if not self.is_over:
            self.signals.wait(seconds)


class Child:
    """A child of a supervisor, which says that it lives, and when to stop."""

    def __init__(self, control: Control) -> None:
        self._control = control
        self.is_over = False

    def attend(self) -> None:
        self._look()

    def wait(self, seconds: float) -> None:
        sleep(seconds, (self._control.fileno(),))
        self._look()

    def _look(self) -> None:
        # Whatever the order is, also that the supervisor is gone: it holds nothing.
        if self._control.read() is not None:
            self.is_over = True
