"""The turns of a worker: what it writes and claims, and where it looks."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from math import inf
from typing import Any

from ..lifecycle import run
from ..lifecycle.enqueue import CHANNEL, JOB
from ..lifecycle.outcome import RELEASED, Outcome
from ..lifecycle.tally import Tally
from ..models import ReadyJob, table_of
from ..vendors import OUTAGES, Lane, Vendor
from .config import WorkerConfig
from .lanes import Lanes


class Claims:
    """Knows whether there may be something to claim, and takes the turns."""

    def __init__(
        self, config: WorkerConfig, vendor: Vendor, owner: run.Owner, declared: set[str]
    ) -> None:
        names = config.queues or sorted(declared)
        self._excluded = config.exclude_queues
        self._lanes = Lanes(name for name in names if name not in self._excluded)
        # QUEUES = [] allows any name: those that have jobs are looked up.
        self._discovers = not names
        self._vendor = vendor
        self._owner = owner
        self._tally = Tally()
        self.claimed = 0
        # There may be something to claim; and perhaps only a sweep would show it.
        self.hungry = self._must_sweep = True

    def stir(self) -> None:
        """Note that there may be new jobs."""
        self.hungry = self._must_sweep = True

    def turn(self, outcomes: Sequence[Outcome], limit: int, clock: float) -> run.Turn:
        """Write outcomes and claim up to ``limit`` jobs, in one transaction.

        What an atomic task has written itself is among the written ones.
        """
        sweep = self._must_sweep or self._lanes.sweep_due(clock)
        if limit and sweep and self._discovers:
            self._discover()
        lanes = self._lanes.look(clock, sweep=sweep) if limit else []
        written = [outcome for outcome in outcomes if outcome.written]
        unwritten = [outcome for outcome in outcomes if not outcome.written]
        turn = self._write(unwritten, lanes, limit, clock)
        written += turn.written
        self._tally.add(written, clock)
        if limit:
            self._learn(turn.claimed, limit, sweep)
        if any(outcome.kind == RELEASED for outcome in turn.written):
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
        due = self._tally.due(clock)
        figures = self._tally.insert(self._vendor) if due else None
        turn = run.turn(self._vendor, self._owner, outcomes, lanes, limit, figures)
        if due:
            self._tally.clear()
        return turn

    def _learn(self, claimed: list[Any], limit: int, sweep: bool) -> None:
        self.claimed += len(claimed)
        exhausted = len(claimed) < limit
        self._lanes.learn(claimed, exhausted=exhausted and sweep)
        self._must_sweep = exhausted and not sweep
        self.hungry = not exhausted or self._must_sweep

    def _discover(self) -> None:
        found = self._vendor.queues(table_of(ReadyJob, self._vendor))
        self._lanes.serve(name for name in found if name not in self._excluded)
