"""Tasks that wait for something else than the processor."""

from __future__ import annotations

import time
from functools import partial

from ..figures import Figure
from ..subjects import Subject, Workforce
from .base import Part, Plan

_NAPS = 1_000
_SECONDS = 0.05


def _naps(
    task: str, label: str, workforce: Workforce, subject: Subject, plan: Plan
) -> list[Figure]:
    subject.clear()
    subject.enqueue_many(task, [_SECONDS] * _NAPS)
    with subject.worker(workforce) as worker:
        while not subject.is_drained(_NAPS):
            worker.check()
            time.sleep(0.01)
        visible = subject.now()
    first, last = subject.span()
    return [
        Figure(f"{label} by the rows", (last - first).total_seconds(), "s"),
        Figure(f"{label} seen", (visible - first).total_seconds(), "s"),
    ]


PARTS = (
    Part(
        "coroutines",
        "1,000 coroutines of 50 ms in one process, --coroutines 500",
        partial(_naps, "anap", "1,000 coroutines", Workforce(1, 1, 500)),
    ),
    Part(
        "threads",
        "1,000 sync tasks of 50 ms in one process, --threads 50",
        partial(_naps, "nap", "1,000 in 50 threads", Workforce(1, 50)),
    ),
)
