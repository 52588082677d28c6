from __future__ import annotations

from math import inf

from ..lifecycle.enqueue import CHANNEL, JOB
from ..lifecycle.outcome import Outcome
from ..upkeep import promote
from ..vendors import Vendor
from .rota import Duty, Rota

# Seconds between looks at what is due: where a new deferred job is heard of, and
# where it is not.
_HEARING, _DEAF = 5.0, 0.5
# While another worker holds the due rows.
_SOON = 0.02


class Deferred:
    """Promotes deferred jobs, and knows when to do so next."""

    def __init__(self, vendor: Vendor, rota: Rota) -> None:
        self._vendor = vendor
        self._rota = rota
        # When to look, and when something is known to be due.
        self._look_at = 0.0
        self._due_at = inf
        # Whether a neighbour's look will not do.
        self._must_look = True

    def promote(self, clock: float, hears: bool) -> bool:
        """Promote what is due, if it is time; tell whether there was any."""
        if clock < min(self._look_at, self._due_at):
            return False
        pause = _HEARING if hears else _DEAF
        if clock < self._due_at and not self._must_look:
            spared_until = self._rota.last(Duty.DEFERRED) + pause
            if clock < spared_until:
                self._look_at = spared_until
                return False
        promoted = 0
        if clock >= self._due_at or self._plan(clock, pause):
            promoted = promote.promote(self._vendor)
            if promoted:
                # They may be of queues that other workers serve.
                self._vendor.notify(CHANNEL, JOB)
            if promoted == promote.BATCH:
                self._due_at = clock
                return True
            if self._plan(clock, pause):
                self._due_at = clock + _SOON
        return promoted > 0

    def expect(self, outcome: Outcome, clock: float) -> None:
        """Note a retry that this process is about to defer."""
        if outcome.run_after is not None and outcome.finished_at is not None:
            delay = (outcome.run_after - outcome.finished_at).total_seconds()
            self._due_at = min(self._due_at, clock + max(delay, 0.0))

    def look_soon(self, clock: float) -> None:
        """Look again: somebody has deferred a job. Many at once cost one look."""
        self._look_at = min(self._look_at, clock + _SOON)
        self._must_look = True

    def due_in(self, clock: float) -> float:
        return max(min(self._look_at, self._due_at) - clock, 0.0)

    def _plan(self, clock: float, pause: float) -> bool:
        """Look when the next one is due, and tell whether it is by now."""
        self._look_at, self._due_at = clock + pause, inf
        left = promote.seconds_left(self._vendor)
        self._must_look = False
        if left > pause:
            self._rota.note(Duty.DEFERRED, clock)
            return False
        # All of them are to know of it, so that none is relied upon.
        self._due_at = clock + max(left, 0.0)
        return left <= 0
