"""No-op jobs that lie ready, until the last result is stored."""

from __future__ import annotations

import time
from functools import partial

from ..figures import Figure
from ..subjects import Subject, Workforce
from .base import Part, Plan
from .wal import written

_PATIENCE = 600


def _drain(workforce: Workforce, subject: Subject, plan: Plan) -> list[Figure]:
    subject.clear()
    subject.enqueue_many("noop", list(range(plan.jobs)))
    log = written()
    with subject.worker(workforce) as worker:
        deadline = time.monotonic() + _PATIENCE
        while not subject.is_drained(plan.jobs):
            worker.check()
            if time.monotonic() > deadline:
                raise TimeoutError(f"Not drained within {_PATIENCE} s.")
            time.sleep(0.01)
        visible = subject.now()
        wal = log.per(f"drain {workforce} WAL", plan.jobs)
        resident, shared = worker.memory()
        cpu = worker.cpu_seconds()
    first, last = subject.span()
    name = f"drain {workforce}"
    return [
        Figure(f"{name} by the rows", plan.jobs / (last - first).total_seconds(), "/s"),
        Figure(f"{name} seen", plan.jobs / (visible - first).total_seconds(), "/s"),
        Figure(f"{name} RSS", resident, "MB"),
        Figure(f"{name} PSS", shared, "MB"),
        Figure(f"{name} CPU of workers", cpu / plan.jobs * 1e6, "us/job"),
        *wal,
    ]


PARTS = tuple(
    Part(
        f"drain-{workforce}",
        f"{workforce.processes} processes of {workforce.threads} thread; timed from "
        f"the first started_at, by the rows: to the last finished_at, seen: until "
        f"all results are visible",
        partial(_drain, workforce),
    )
    for workforce in (Workforce(2, 1), Workforce(1, 1))
)
