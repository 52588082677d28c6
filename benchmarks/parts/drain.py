"""No-op jobs that lie ready, until the last result is stored."""

from __future__ import annotations

import time
from functools import partial

from ..figures import Figure
from ..subjects import Subject, Workforce
from ..tally import tallied
from ..workers import WorkerProcess
from .base import Part, Plan
from .wal import written

_PATIENCE = 600


def _drain(workforce: Workforce, subject: Subject, plan: Plan) -> list[Figure]:
    subject.clear()
    subject.enqueue_many("noop", range(plan.jobs))
    subject.rest()
    log = written()
    with tallied() as tally, subject.worker(workforce) as worker:
        began = tally.wait(plan.jobs, worker.check, _PATIENCE)
        await_drained(subject, worker, plan.jobs)
        ended = time.monotonic()
        wal = log.per(f"drain {workforce} WAL", plan.jobs)
        resident, shared = worker.memory()
        largest = worker.largest()
        cpu = worker.cpu_seconds()
    name = f"drain {workforce}"
    figures = [
        Figure(f"{name} seen", plan.jobs / (ended - began), "/s"),
        Figure(f"{name} RSS", resident, "MB"),
        Figure(f"{name} PSS", shared, "MB"),
        Figure(f"{name} RSS of a worker", largest, "MB"),
        Figure(f"{name} CPU of workers", cpu / plan.jobs * 1e6, "us/job"),
        *wal,
    ]
    if (span := subject.span()) is not None:
        rate = plan.jobs / (span[1] - span[0]).total_seconds()
        figures.insert(0, Figure(f"{name} by the rows", rate, "/s"))
    return figures


def await_drained(subject: Subject, worker: WorkerProcess, count: int) -> None:
    """Return once all outcomes are visible; all bodies have run."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        asked = time.monotonic()
        if subject.is_drained(count):
            return
        worker.check()
        if time.monotonic() > deadline:
            raise TimeoutError(f"Not drained within {_PATIENCE} s.")
        # An answer that takes long costs the workers as much.
        time.sleep(max(0.005, 4 * (time.monotonic() - asked)))


PARTS = tuple(
    Part(
        f"drain-{workforce}",
        f"{workforce.processes} processes of {workforce.threads} thread; timed "
        f"from the first body until all outcomes are visible",
        partial(_drain, workforce),
    )
    for workforce in (
        Workforce(2, 1, work="drain-2x1"),
        Workforce(1, 1, work="drain-1x1"),
    )
)
