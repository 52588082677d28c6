"""Tasks that wait for something else than the processor."""

from __future__ import annotations

import time
from functools import partial

from ..figures import Figure
from ..subjects import Subject, Workforce
from ..tally import tallied
from .base import Part, Plan
from .drain import await_drained

_NAPS = 1_000
_SECONDS = 0.05
_PATIENCE = 300


def _naps(
    task: str, label: str, workforce: Workforce, subject: Subject, plan: Plan
) -> list[Figure]:
    subject.clear()
    subject.enqueue_many(task, [_SECONDS] * _NAPS)
    with tallied() as tally, subject.worker(workforce) as worker:
        began = tally.wait(_NAPS, worker.check, _PATIENCE)
        await_drained(subject, worker, _NAPS)
        return [Figure(f"{label} seen", time.monotonic() - began, "s")]


PARTS = (
    Part(
        "coroutines",
        "1,000 coroutines of 50 ms in one process, --coroutines 1000",
        partial(
            _naps, "anap", "1,000 coroutines", Workforce(1, 1, 1_000, work="coroutines")
        ),
    ),
    Part(
        "threads",
        "1,000 sync tasks of 50 ms in one process, --threads 50",
        partial(_naps, "nap", "1,000 in 50 threads", Workforce(1, 50, work="threads")),
    ),
)
