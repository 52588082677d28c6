"""What the caller pays: enqueues, with no worker running."""

from __future__ import annotations

import time

from ..figures import Figure, calls
from ..subjects import Subject
from .base import Part, Plan
from .wal import written

_CALLS = 2_000
_WARM_UP = 100


def _loop(subject: Subject) -> list[float]:
    for number in range(_WARM_UP):
        subject.enqueue("noop", number)
    seconds = []
    for number in range(_CALLS):
        before = time.perf_counter()
        subject.enqueue("noop", number)
        seconds.append(time.perf_counter() - before)
    return seconds


def _one(subject: Subject, plan: Plan) -> list[Figure]:
    subject.clear()
    return calls("enqueue", _loop(subject))


def _in_transaction(subject: Subject, plan: Plan) -> list[Figure]:
    subject.clear()
    with subject.in_transaction():
        seconds = _loop(subject)
    return calls("enqueue in transaction", seconds)


def _many(subject: Subject, plan: Plan) -> list[Figure]:
    subject.clear()
    values: list[float] = list(range(plan.jobs))
    log = written()
    before = time.perf_counter()
    subject.enqueue_many("noop", values)
    seconds = time.perf_counter() - before
    rate = Figure("enqueue_many rate", plan.jobs / seconds, "/s")
    return [rate, *log.per("enqueue_many WAL", plan.jobs)]


PARTS = (
    Part(
        "enqueue",
        f"{_CALLS:,} calls, each its own commit, workers notified after it",
        _one,
    ),
    Part(
        "enqueue-transaction", f"{_CALLS:,} calls in one transaction", _in_transaction
    ),
    Part("enqueue-many", "all jobs by one call, from one process", _many),
)
