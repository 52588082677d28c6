"""What is measured of a subject, one part per module."""

from __future__ import annotations

from . import drain, enqueue, idle, latency, limits, naps, schedules, shell, steps
from .base import Part, Plan

PARTS: dict[str, Part] = {
    part.name: part
    for module in (
        limits,
        enqueue,
        drain,
        steps,
        latency,
        naps,
        idle,
        shell,
        schedules,
    )
    for part in module.PARTS
}

__all__ = ["PARTS", "Part", "Plan"]
