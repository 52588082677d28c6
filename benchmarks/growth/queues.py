"""Many queues: what a claim costs, and how soon each has its turn."""

from __future__ import annotations

import random
import time

from .. import tasks
from ..figures import Figure, percentile
from ..subjects.bgtasks import BgTasks
from . import fill
from .claimant import Claimant

_EACH = 100
_LIMIT = 100
_SEARCHES = 25


def sample(count: int) -> list[Figure]:
    """Measure with so many queues, of which all are full, and then all but empty."""
    subject = BgTasks()
    subject.clear()
    names = ["default"] if count == 1 else [f"q{number}" for number in range(count)]
    fill.waiting(_EACH * max(count, 40), count)
    fill.analyze()
    with Claimant(names) as claimant:
        unseen = set(names)
        begin, seconds, served = time.perf_counter(), [], 0.0
        while unseen or len(seconds) < 30:
            jobs, taken = claimant.turn(_LIMIT)
            seconds.append(taken)
            unseen -= {job.queue_name for job in jobs}
            if not unseen and not served:
                served = time.perf_counter() - begin
        claimant.turn(0)
        fill.nothing_waits()
        found = [_search(claimant, random.choice(names)) for _ in range(_SEARCHES)]
    return [
        Figure("claim and finish 100, p50", percentile(seconds, 0.5) * 1e3, "ms"),
        Figure("all queues full: each was served after", served * 1e3, "ms"),
        Figure("all queues empty: one job found, p50", _ms(found, 0.5), "ms"),
        Figure("all queues empty: one job found, p99", _ms(found, 0.99), "ms"),
    ]


def _search(claimant: Claimant, name: str) -> float:
    """Return the seconds from a call to the claim of the only job."""
    tasks.noop.using(queue_name=name).enqueue(1)
    claimant.claims.stir()
    before = time.perf_counter()
    while True:
        jobs, _ = claimant.turn(4)
        if jobs:
            break
    seconds = time.perf_counter() - before
    while claimant.claims.hungry:
        claimant.turn(4)
    # What was found is finished now, not in the next search.
    claimant.turn(0)
    return seconds


def _ms(seconds: list[float], share: float) -> float:
    return percentile(seconds, share) * 1e3
