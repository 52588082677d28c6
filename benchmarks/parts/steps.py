"""What a worker does for a job itself: CPU time of each step.

What a server takes for the same jobs is among the ``limits``.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from ..figures import Figure
from ..subjects import OURS, Subject
from .base import Part, Plan

_BATCHES = 40


def _steps(subject: Subject, plan: Plan) -> list[Figure]:
    if subject.name != OURS:
        return []
    # Not before Django is set up.
    from ..walk import BATCH, Walk

    spent: dict[str, int] = {}

    @contextmanager
    def step(name: str) -> Iterator[None]:
        before = time.thread_time_ns()
        yield
        spent[name] = spent.get(name, 0) + time.thread_time_ns() - before

    walk = Walk(step)
    for _ in range(_BATCHES):
        walk.batch()
    each = {**spent, "all": sum(spent.values())}
    return [
        Figure(f"step: {name}", nanoseconds / 1e3 / (_BATCHES * BATCH), "us/job")
        for name, nanoseconds in each.items()
    ]


PARTS = (
    Part(
        "steps",
        f"CPU time of a worker's own steps, of {_BATCHES} batches of no-op jobs",
        _steps,
        frozenset({"postgresql"}),
    ),
)
