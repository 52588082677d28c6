"""The turns of a worker: what it writes and claims, and where it looks."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from math import inf

from ..lifecycle import run
from ..lifecycle.enqueue import CHANNEL, JOB
from ..lifecycle.outcome import RELEASED, ClaimedJob, Outcome
from ..lifecycle.tally import Tally
from ..models import ReadyJob, table_of
from ..vendors import OUTAGES, Lane, Vendor
from .config import WorkerConfig
from .lanes import Lanes
from .patrol import Took
from .rota import Duty, Rota

# How many times as long as the last look at the names of queues took passes
# before the next one.
_DISCOVERY_REST = 20
# Seconds for which a queue that is empty is looked at all the same.
_REMEMBERED = 60


class Claims:
    """Knows whether there may be something to claim, and takes the turns."""

    def __init__(
        self,
        config: WorkerConfig,
        vendor: Vendor,
        owner: run.Owner,
        declared: set[str],
        rota: Rota | None = None,
    ) -> None:
        names = config.queues or sorted(declared)
        self._excluded = config.exclude_queues
        queues = [name for name in names if name not in self._excluded]
        # Who is to end when all is done has to know that it is.
        lasting = vendor.keeps_old_entries and not config.burst
        self._lanes = Lanes(queues, lasting=lasting)
        # QUEUES = [] allows any name: those that have jobs are looked up.
        self._discovers = not names
        self._vendor = vendor
        self._owner = owner
        self._rota = rota or Rota.create()
        self._tally = Tally()
        # Jobs, without those that were given back.
        self.claimed = 0
        self._last: ClaimedJob | None = None
        self._discovery_rest = 0 if config.burst else _DISCOVERY_REST
        self._next_discovery = 0.0
        # When each queue was found, or gave jobs.
        self._seen: dict[str, float] = {}
        self.stir()

    def stir(self) -> None:
        """Note that there may be new jobs."""
        self._lanes.stir()
        self._may_be_new = self._discovers

    @property
    def hungry(self) -> bool:
        """Whether there may be something to claim."""
        return self.due_in(time.monotonic()) <= 0

    def due_in(self, clock: float) -> float:
        """Return the seconds until there may be something to claim."""
        due = self._lanes.due_in(clock)
        if self._may_be_new:
            due = min(due, max(self._next_discovery - clock, 0.0))
        return due

    @property
    def swept_at(self) -> float:
        """When a look at everything, by this process or a neighbour, left nothing."""
        return self._rota.last(Duty.SWEEP)

    def turn(self, outcomes: Sequence[Outcome], limit: int, clock: float) -> run.Turn:
        """Write outcomes and claim up to ``limit`` jobs, in one transaction.

        What an atomic task has written itself is among the written ones.
        """
        if limit and self._discovers and clock >= self._next_discovery:
            self._discover(clock)
        lanes = self._lanes.look(clock, limit) if limit else []
        before = time.monotonic()
        written = [outcome for outcome in outcomes if outcome.written]
        unwritten = [outcome for outcome in outcomes if not outcome.written]
        turn = self._write(unwritten, lanes, limit, clock)
        written += turn.written
        self._tally.add(written, clock)
        if limit:
            seconds = time.monotonic() - before
            rows = len(unwritten) + len(turn.claimed)
            untold = turn.broken or turn.dropped > 0
            began_at = self._last.at(before) if self._last and not untold else None
            self.claimed += len(turn.claimed)
            self._lanes.learn(turn.claimed, limit, clock, Took(seconds, rows, began_at))
            self._last = turn.claimed[-1] if turn.claimed else self._last
            if untold:
                # It has brought more than is told, so there may be more to come.
                self.stir()
            if self._lanes.due_in(clock) > 0:
                self._rota.note(Duty.SWEEP, clock)
        released = sum(outcome.kind == RELEASED for outcome in turn.written)
        if released:
            self.claimed -= released
            self.stir()
            self._vendor.notify(CHANNEL, JOB)
        return turn._replace(written=written)

    def tend(self, clock: float) -> None:
        """Write figures that have waited for a turn for too long."""
        if self._tally.due(clock):
            self._write((), (), 0, clock)

    def close(self) -> None:
        """Write the figures that are left; without a database they are lost."""
        with suppress(*OUTAGES):
            self._write((), (), 0, inf)

    def _write(
        self,
        outcomes: Sequence[Outcome],
        lanes: Sequence[Lane],
        limit: int,
        clock: float,
    ) -> run.Turn:
        # A claim alone does not wait for figures: the job's outcome takes them along.
        due = bool(outcomes or not lanes) and self._tally.due(clock)
        figures = self._tally.insert(self._vendor) if due else None
        share = self._lanes.share
        turn = run.turn(
            self._vendor, self._owner, outcomes, lanes, limit, figures, share
        )
        if due:
            self._tally.clear()
        return turn

    def _discover(self, clock: float) -> None:
        before, since = time.monotonic(), clock - _REMEMBERED
        # What has just been emptied is known of, and soon filled again.
        self._seen |= dict.fromkeys(self._lanes.fed_since(since), clock)
        known = [name for name, seen in self._seen.items() if seen >= since]
        found = self._vendor.queues(table_of(ReadyJob, self._vendor), known)
        names = dict.fromkeys([*known, *found])
        self._seen = {name: self._seen.get(name, clock) for name in names}
        self._lanes.serve(name for name in names if name not in self._excluded)
        seconds = time.monotonic() - before
        self._next_discovery = clock + seconds * self._discovery_rest
        self._may_be_new = False
