"""Where to look for jobs next. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from math import ceil, inf

from ..lifecycle.claim import SLACK
from ..lifecycle.outcome import ClaimedJob
from ..vendors import Lane
from .patrol import Mark, Patrol, Took

# Seconds between looks at everything while jobs keep coming. In between only
# what lies behind the last claim is searched, lane by lane.
SWEEP_EVERY = 1.0
# Queues in one look, and ranks of a queue whose floor is remembered.
MOST_QUEUES = 100
MOST_RANKS = 8
# So many sweeps in a row that took longer are no accident.
_LONG_SWEEPS = 3
# A rank has two bytes.
_HIGHEST = 32_767
_LONG_AGO = datetime(1970, 1, 2, tzinfo=UTC)


class _Queue:
    """How far a queue was emptied, rank by rank."""

    def __init__(self, name: str) -> None:
        self.name = name
        # The rank that was fed last is the last.
        self.marks: dict[int, datetime] = {}
        self.swept_at = self.fed_at = -inf
        # Whether it gave as many as it was asked for; None if that is not known.
        self.is_full: bool | None = None

    def learn(self, rank: int, ready_at: datetime) -> None:
        mark = self.marks.pop(rank, ready_at)
        self.marks[rank] = max(mark, ready_at)
        if len(self.marks) > MOST_RANKS:
            del self.marks[next(iter(self.marks))]

    def was_emptied(self, until: datetime) -> None:
        for rank, mark in self.marks.items():
            self.marks[rank] = max(mark, until)

    def was_refilled(self) -> None:
        """Note that there is a backlog, from whatever time."""
        self.marks = dict.fromkeys(self.marks, _LONG_AGO)

    def floors(self) -> list[Mark]:
        return [Mark(self.name, rank, at - SLACK) for rank, at in self.marks.items()]

    def beyond(self, *, known: bool) -> list[Lane]:
        """Return what lies behind the floors: of the known ranks only, or of all."""
        marks = sorted(self.floors(), key=lambda mark: mark.rank)
        if known:
            return [Lane(*mark) for mark in marks]
        if not marks:
            return [Lane(self.name)]
        # Each stretch goes on to where the next known rank begins.
        ends = [mark.rank - 1 for mark in marks]
        lanes = [Lane(self.name, last=ends[0])]
        for mark, last in zip(marks, [*ends[1:], _HIGHEST], strict=True):
            lanes.append(Lane(*mark, last=last))
        return lanes


class Lanes:
    """Remembers how far each queue was emptied, and whose turn it is.

    A sweep looks at all that a queue has; other looks only behind the floors. Where
    entries of rows that are gone can stay (``lasting``) a sweep may come to take long:
    then there is none, looks leave nothing out but what is before the floors, and a
    patrol walks that. Queues take turns at being first, so that none starves; those
    with many jobs share a look.
    """

    def __init__(self, queues: Iterable[str], *, lasting: bool = False) -> None:
        self._lasting = lasting
        self._queues: list[_Queue] = []
        self._looked: list[_Queue] = []
        # The queue to begin with, and how many still have to be looked at.
        self._first = self._left = 0
        self._sweeping = False
        self._swept: list[_Queue] = []
        self._long_sweeps = 0
        # The seconds of a look whatever it walks, as the last patrol found them.
        self._usual = 0.0
        self._patrol: Patrol | None = None
        # How many rows to take of one lane.
        self.share = 0
        self.serve(queues)

    def serve(self, queues: Iterable[str]) -> None:
        """Change the queues to look in."""
        known = {queue.name: queue for queue in self._queues}
        self._queues = [known.get(name) or _Queue(name) for name in queues]
        self._first %= max(len(self._queues), 1)
        if any(queue.name not in known for queue in self._queues):
            self.stir()

    def fed_since(self, clock: float) -> list[str]:
        """Return the queues that have given jobs since then."""
        return [queue.name for queue in self._queues if queue.fed_at >= clock]

    def stir(self) -> None:
        """Note that there may be new jobs anywhere."""
        self._left, self._sweeping = max(len(self._queues), 1), True

    def due_in(self, clock: float) -> float:
        """Return the seconds until the next look is due; infinity if none is."""
        if self._left > 0:
            return 0.0
        if self._patrol is not None and self._patrol.is_under_way:
            return self._patrol.due_in(clock)
        return inf

    def look(self, clock: float, limit: int) -> list[Lane]:
        """Return the lanes to take up to ``limit`` jobs from, in order."""
        order = self._queues[self._first :] + self._queues[: self._first]
        self._looked, self._swept = order[:MOST_QUEUES], []
        full = sum(queue.is_full is not False for queue in self._looked)
        self.share = ceil(limit / max(full, 1))
        lanes: list[Lane] = []
        if self._patrol is not None:
            lanes = self._patrol.portion(clock, self._marks)
        for queue in self._looked:
            lanes += self._lanes_of(queue, clock)
        return lanes

    def _marks(self) -> list[Mark]:
        return [mark for queue in self._queues for mark in queue.floors()]

    def _lanes_of(self, queue: _Queue, clock: float) -> list[Lane]:
        due = self._sweeping or clock - queue.swept_at >= SWEEP_EVERY
        if due and self._patrol is None:
            self._swept.append(queue)
            return [Lane(queue.name)]
        return queue.beyond(known=not self._lasting)

    def learn(
        self,
        jobs: Sequence[ClaimedJob],
        limit: int,
        clock: float,
        took: Took,
    ) -> None:
        """Note what the last look found."""
        found = Counter(job.queue_name for job in jobs)
        filled = len(jobs) >= limit
        visited = self._visited(found, filled)
        by_name = {queue.name: queue for queue in visited}
        for job in jobs:
            if job.queue_name in by_name:
                by_name[job.queue_name].fed_at = clock
                by_name[job.queue_name].learn(job.rank, job.ready_at)
        for queue in visited:
            queue.is_full = found[queue.name] >= self.share
            if took.began_at and not queue.is_full and not filled:
                queue.was_emptied(took.began_at)
        for queue in self._looked[len(visited) :]:
            queue.is_full = None
        for queue in self._swept:
            if queue.name in by_name:
                queue.swept_at = clock
        self._turn_on(visited, filled)
        if self._lasting:
            self._weigh(jobs, clock, took)

    def _visited(self, found: Counter[str], filled: bool) -> list[_Queue]:
        """Return the queues that were looked in: a full take goes no further."""
        if not filled:
            return self._looked
        givers = [n for n, queue in enumerate(self._looked) if found[queue.name]]
        return self._looked[: givers[-1] + 1] if givers else []

    def _turn_on(self, visited: list[_Queue], filled: bool) -> None:
        """Choose who is first in the next look, and whether there need be one."""
        count = len(self._queues)
        self._first = (self._first + len(visited)) % max(count, 1)
        if filled or any(queue.is_full for queue in visited):
            self._left, self._sweeping = count, False
            return
        self._left = max(self._left - len(visited), 0) if visited else 0
        if self._left == 0:
            # What was found empty behind the floors may not be so before them.
            again = bool(count) and not self._sweeping and self._patrol is None
            self._left, self._sweeping = count if again else 0, again

    def _weigh(self, jobs: Sequence[ClaimedJob], clock: float, took: Took) -> None:
        """Give up sweeping if it takes long, and begin again when it does not."""
        if self._patrol is None:
            if self._swept:
                long = took.is_long(self._usual)
                self._usual = min(self._usual, took.bare)
                self._long_sweeps = self._long_sweeps + 1 if long else 0
            if self._long_sweeps >= _LONG_SWEEPS:
                self._long_sweeps, self._patrol = 0, Patrol(self._usual)
            return
        refilled = self._patrol.note(clock, jobs, took, self.share)
        for queue in self._queues:
            if queue.name in refilled:
                # In order, and all at once, beginning with the next look.
                queue.was_refilled()
                self.stir()
        if self._patrol.is_needless:
            self._usual, self._patrol = self._patrol.usual, None
