"""Where to look for jobs next. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from ..lifecycle.claim import SLACK
from ..lifecycle.outcome import ClaimedJob
from ..vendors import Lane

# Seconds between looks at everything while jobs keep coming. In between only
# what lies behind the last claim is searched, lane by lane.
SWEEP_EVERY = 1.0


class Lanes:
    """Remembers how far each (queue, rank) was emptied.

    A look goes to the known lanes beyond their watermark; a sweep to all of every
    queue. Queues take turns at being first, so that none starves.
    """

    def __init__(self, queues: Iterable[str]) -> None:
        self.queues = list(queues)
        self._marks: dict[tuple[str, int], datetime] = {}
        self._swept_at = float("-inf")
        self._turn = 0

    def serve(self, queues: Iterable[str]) -> None:
        """Change the queues to look in."""
        self.queues = list(queues)

    def sweep_due(self, clock: float) -> bool:
        return not self._marks or clock - self._swept_at >= SWEEP_EVERY

    def look(self, clock: float, *, sweep: bool) -> list[Lane]:
        """Return the lanes to take from, in order."""
        if not self.queues:
            return []
        self._turn = (self._turn + 1) % len(self.queues)
        order = self.queues[self._turn :] + self.queues[: self._turn]
        if sweep:
            self._swept_at = clock
            return [Lane(queue) for queue in order]
        place = {queue: number for number, queue in enumerate(order)}
        known = [key for key in self._marks if key[0] in place]
        known.sort(key=lambda key: (place[key[0]], key[1]))
        return [Lane(*key, self._marks[key] - SLACK) for key in known]

    def learn(self, jobs: Sequence[ClaimedJob], *, exhausted: bool) -> None:
        """Note what a look found; ``exhausted`` if a sweep left nothing."""
        if exhausted:
            self._marks.clear()
        for job in jobs:
            key = job.queue_name, job.rank
            mark = self._marks.get(key)
            if mark is None or job.ready_at > mark:
                self._marks[key] = job.ready_at
