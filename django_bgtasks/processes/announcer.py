from __future__ import annotations

import logging
import threading
import time
from queue import SimpleQueue

from django.db import connections

from ..audience import reaches, records
from ..lifecycle.announce import announce, has_audience
from ..lifecycle.outcome import RELEASED, RETRY, SUCCEEDED, Outcome
from ..log import one_line
from .tidy import has_expired, refresh

logger = logging.getLogger("django_bgtasks.job")

# Outcomes that may wait for their signals before the worker claims no more.
MOST_WAITING = 5_000
_TIDY_EVERY = 1.0


class Announcer:
    """Sends the signals of written outcomes, in a thread of its own.

    A receiver may be slow or ask the database: neither may hold up the claims,
    nor the next task.
    """

    def __init__(self) -> None:
        self._inbox: SimpleQueue[list[Outcome] | None] = SimpleQueue()
        self._waiting = 0
        self._done = 0
        self._tidied_at = 0.0
        self._thread = threading.Thread(
            target=self._serve, name="bgtasks-signals", daemon=True
        )
        self._thread.start()

    def put(self, outcomes: list[Outcome]) -> None:
        if not reaches(logger, logging.INFO):
            recorded = records()
            outcomes = [each for each in outcomes if has_audience(each, recorded)]
        if outcomes:
            self._waiting += len(outcomes)
            self._inbox.put(outcomes)

    @property
    def is_behind(self) -> bool:
        return self._waiting - self._done > MOST_WAITING

    def finish(self, seconds: float) -> None:
        """Send what is left, for so long at most."""
        self._inbox.put(None)
        self._thread.join(seconds)

    def _serve(self) -> None:
        while (outcomes := self._inbox.get()) is not None:
            if has_expired():
                refresh()
            for outcome in outcomes:
                try:
                    announce(outcome)
                    _log(outcome)
                except Exception:
                    logger.exception(
                        "Job %s could not be announced.", outcome.job.public_id
                    )
            self._done += len(outcomes)
            self._tidy()
        connections.close_all()

    def _tidy(self) -> None:
        if time.monotonic() - self._tidied_at > _TIDY_EVERY:
            self._tidied_at = time.monotonic()
            refresh()


# Giving back is a worker's everyday business; what fails is its owner's.
_LEVELS = {SUCCEEDED: logging.INFO, RELEASED: logging.DEBUG}


def _log(outcome: Outcome) -> None:
    level = _LEVELS.get(outcome.kind, logging.WARNING)
    if not logger.isEnabledFor(level):
        return
    job, seconds = outcome.job, outcome.seconds or 0.0
    again = ""
    if outcome.kind == RETRY and outcome.run_after:
        again = f", again at {outcome.run_after:%H:%M:%S}"
    if outcome.error is not None:
        again += f": {outcome.error.exception_class_path}"
    logger.log(
        level,
        "%s job=%s task=%s queue=%s attempt=%s duration=%.3fs%s",
        outcome.kind,
        job.public_id,
        one_line(job.task_path),
        one_line(job.queue_name),
        job.attempt,
        seconds,
        again,
        extra={
            "job_id": job.public_id,
            "task": job.task_path,
            "queue": job.queue_name,
            "attempt": job.attempt,
        },
    )
