"""A beat with many schedules: none due, and a thousand due at one second."""

from __future__ import annotations

from ..figures import Figure
from ..subjects import Subject
from .base import Part, Plan

_SOME, _ALL, _DUE = 200, 10_000, 1_000


def _schedules(subject: Subject, plan: Plan) -> list[Figure]:
    # Needs settings, which are there when a sample is taken.
    from .. import beats

    subject.clear()
    try:
        return [*beats.idle(_SOME), *beats.idle(_ALL), *beats.due(_DUE, _ALL)]
    finally:
        beats.forget()
        subject.clear()


PARTS = (
    Part(
        "schedules",
        "a beat with 10,000 schedules: none due, and 1,000 due at one second",
        _schedules,
    ),
)
