"""What the caller pays: enqueues, with no worker running."""

from __future__ import annotations

from ..figures import Figure, calls
from ..subjects import Subject
from .base import Part, Plan
from .wal import written

_CALLS = 2_000
_WARM_UP = 100


def _loop(subject: Subject, *, in_transaction: bool = False) -> list[float]:
    subject.clear()
    numbers = range(_WARM_UP + _CALLS)
    moments = subject.enqueue_each("noop", numbers, in_transaction=in_transaction)
    return [after - before for before, after in moments[_WARM_UP:]]


def _one(subject: Subject, plan: Plan) -> list[Figure]:
    return calls("enqueue", _loop(subject))


def _in_transaction(subject: Subject, plan: Plan) -> list[Figure]:
    return calls("enqueue in transaction", _loop(subject, in_transaction=True))


def _many(subject: Subject, plan: Plan) -> list[Figure]:
    subject.clear()
    log = written()
    seconds = subject.enqueue_many("noop", range(plan.jobs))
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
