"""From before an enqueue until the body starts, on an idle worker."""

from __future__ import annotations

import random
import time

from ..figures import Figure, delays
from ..stamps import stamps
from ..subjects import Subject, Workforce
from .base import Part, Plan

_CALLS = 200
_PAUSE = 0.05


def _latency(subject: Subject, plan: Plan) -> list[Figure]:
    subject.clear()
    workforce = Workforce(processes=1)
    enqueued = []
    with stamps() as written, subject.worker(workforce) as worker:
        subject.await_idle(worker, workforce)
        for number in range(_CALLS):
            # Not in step with anything that polls.
            time.sleep(_PAUSE * random.uniform(0.5, 1.5))
            enqueued.append(time.monotonic())
            subject.enqueue("stamp", number)
        started = written.wait(_CALLS)
    waited = [started[number] - before for number, before in enumerate(enqueued)]
    return delays("latency", waited)


PARTS = (
    Part(
        "latency",
        f"{_CALLS} enqueues about {_PAUSE * 1000:.0f} ms apart, idle worker",
        _latency,
    ),
)
