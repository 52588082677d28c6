"""No-op jobs drained by one worker process and by many."""

from __future__ import annotations

import time

from ..figures import Figure
from ..subjects import Workforce
from ..subjects.bgtasks import BgTasks

_JOBS = 20_000
_PATIENCE = 120


def sample(count: int) -> list[Figure]:
    """Drain with ``count`` processes of one thread each."""
    subject = BgTasks()
    subject.clear()
    with subject.worker(Workforce(count, 1)) as worker:
        subject.await_idle(worker, Workforce(count, 1))
        before = worker.cpu_seconds()
        subject.enqueue_many("noop", list(range(_JOBS)))
        deadline = time.monotonic() + _PATIENCE
        while not subject.is_drained(_JOBS):
            worker.check()
            if time.monotonic() > deadline:
                raise TimeoutError(f"Not drained within {_PATIENCE} s.")
            time.sleep(0.01)
        cpu = worker.cpu_seconds() - before
    first, last = subject.span()
    return [
        Figure("drained", _JOBS / (last - first).total_seconds(), "/s"),
        Figure("CPU of the workers", cpu / _JOBS * 1e6, "us/job"),
    ]
