from __future__ import annotations

from datetime import datetime

from ..conf import Options
from ..upkeep import fold, prune, ticks
from ..vendors import Vendor

_PRUNE_EVERY = 10.0
_FOLD_EVERY = 30.0


class Chores:
    """What a supervisor does now and then to keep the tables small."""

    def __init__(self, vendor: Vendor, options: Options) -> None:
        self._vendor = vendor
        self._options = options
        self._next_prune = self._next_fold = 0.0

    def do(self, clock: float, now: datetime) -> None:
        """Do a batch of what is due; ``now`` is the database's time of late."""
        if clock >= self._next_prune:
            full = prune.prune(self._vendor.connection, until=now) == prune.BATCH
            self._next_prune = clock + (0.0 if full else _PRUNE_EVERY)
        if clock >= self._next_fold:
            full = fold.fold(self._vendor, now=now)
            pruned = ticks.prune_ticks(
                self._vendor, self._options.tick_retention, now=now
            )
            full = full or pruned == ticks.BATCH
            self._next_fold = clock + (0.0 if full else _FOLD_EVERY)
