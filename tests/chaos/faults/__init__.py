"""The faults, by name."""

from __future__ import annotations

from .base import Fault
from .database import (
    ConnectionLimit,
    Crash,
    Cut,
    DiskFull,
    Locks,
    LongSnapshot,
    ReadOnly,
    Serializable,
    StatementTimeout,
)
from .hosts import HostileTasks, PooledCut, PoolerCrash, WrongClock
from .network import HalfOpen, Partition, Reset, Slow, Stalled, Trickle
from .processes import (
    KillBeat,
    KillCaller,
    KillHost,
    KillPoint,
    KillSupervisor,
    KillWorker,
    StopStorm,
    Zombie,
)

__all__ = ["FAULTS", "Fault", "fitting"]

FAULTS: dict[str, type[Fault]] = {
    fault.name: fault
    for fault in (
        *(KillWorker, KillSupervisor, KillHost, KillBeat, KillCaller, KillPoint),
        *(
            StopStorm,
            Zombie,
            Crash,
            Cut,
            ConnectionLimit,
            StatementTimeout,
            ReadOnly,
            Serializable,
        ),
        *(
            Locks,
            LongSnapshot,
            DiskFull,
            Reset,
            HalfOpen,
            Stalled,
            Slow,
            Trickle,
            Partition,
        ),
        *(WrongClock, HostileTasks, PoolerCrash, PooledCut),
    )
}


def fitting(vendor: str, through: str = "") -> list[str]:
    """The faults of a vendor that can be mixed where the way leads ``through``."""
    return [
        name
        for name, fault in FAULTS.items()
        if vendor in fault.vendors and fault.through in ("", through)
    ]
