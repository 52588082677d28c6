"""From before an enqueue until the body starts, on an idle worker."""

from __future__ import annotations

from ..figures import Figure, delays
from ..stamps import stamps
from ..subjects import Subject, Workforce
from .base import Part, Plan

_CALLS = 200
_PAUSE = 0.05


def _latency(subject: Subject, plan: Plan) -> list[Figure]:
    subject.clear()
    workforce = Workforce(processes=1, work="latency")
    with stamps() as written, subject.worker(workforce) as worker:
        subject.await_idle(worker, workforce)
        enqueued = subject.enqueue_each("stamp", range(_CALLS), pause=_PAUSE)
        started = written.wait(_CALLS)
    waited = [started[number] - before for number, (before, _) in enumerate(enqueued)]
    return delays("latency", waited)


PARTS = (
    Part(
        "latency",
        f"{_CALLS} enqueues about {_PAUSE * 1000:.0f} ms apart, idle worker",
        _latency,
    ),
)
