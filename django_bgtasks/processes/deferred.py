from __future__ import annotations

from typing import Any

from ..lifecycle.enqueue import CHANNEL, JOB
from ..lifecycle.outcome import Outcome
from ..upkeep import promote

# Seconds between looks at what is due: where a new deferred job is heard of, and
# where it is not.
_HEARING, _DEAF = 5.0, 0.5
# While another worker holds the due rows.
_SOON = 0.02


class Deferred:
    """Promotes deferred jobs, and knows when to do so next."""

    def __init__(self, vendor: Any) -> None:
        self._vendor = vendor
        self._next = 0.0

    def promote(self, clock: float, hears: bool) -> bool:
        """Promote what is due, if it is time; tell whether there was any."""
        if clock < self._next:
            return False
        promoted = promote.promote(self._vendor)
        if promoted:
            # They may be of queues that other workers serve.
            self._vendor.notify(CHANNEL, JOB)
        if promoted == promote.BATCH:
            self._next = clock
            return True
        pause = _HEARING if hears else _DEAF
        due = promote.next_due(self._vendor)
        if due is not None:
            left = (due - self._vendor.now()).total_seconds()
            pause = min(pause, max(left, _SOON))
        self._next = clock + pause
        return promoted > 0

    def expect(self, outcome: Outcome, clock: float) -> None:
        """Note a retry that this process is about to defer."""
        if outcome.run_after is not None and outcome.finished_at is not None:
            delay = (outcome.run_after - outcome.finished_at).total_seconds()
            self._next = min(self._next, clock + max(delay, 0.0))

    def look_soon(self, clock: float) -> None:
        """Look again: somebody has deferred a job. Many at once cost one look."""
        self._next = min(self._next, clock + _SOON)

    def due_in(self, clock: float) -> float:
        return max(self._next - clock, 0.0)
