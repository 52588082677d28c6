"""The trials, by name: one fault, and a figure that is held to a bar."""

from __future__ import annotations

from .away import DatabaseGone
from .base import Trial
from .deaths import HostKilled, WorkerKilled
from .zombie import ZombieLate

__all__ = ["TRIALS", "Trial"]

TRIALS: dict[str, type[Trial]] = {
    trial.name: trial for trial in (WorkerKilled, HostKilled, DatabaseGone, ZombieLate)
}
