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
    Restart,
    Serializable,
    StatementTimeout,
)
from .hosts import (
    HeldInterpreter,
    HostileTasks,
    OutOfMemory,
    PooledCut,
    PoolerCrash,
    WrongClock,
)
from .network import CablePulled, HalfOpen, Partition, Reset, Slow, Stalled, Trickle
from .processes import (
    KillBeat,
    KillCaller,
    KillHost,
    KillPoint,
    KillSupervisor,
    KillWorker,
    SignalPoint,
    StopStorm,
    Zombie,
)

__all__ = ["FAULTS", "Fault", "fitting"]

FAULTS: dict[str, type[Fault]] = {
    fault.name: fault
    for fault in (
        *(KillWorker, KillSupervisor, KillHost, KillBeat, KillCaller, KillPoint),
        *(
            SignalPoint,
            StopStorm,
            Zombie,
            Crash,
            Restart,
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
            CablePulled,
        ),
        *(WrongClock, OutOfMemory, HeldInterpreter, HostileTasks),
        *(PoolerCrash, PooledCut),
    )
}


def fitting(vendor: str, through: str = "") -> list[str]:
    """The faults of a vendor that can be mixed where the way leads ``through``."""
    return [
        name
        for name, fault in FAULTS.items()
        if vendor in fault.vendors and fault.through in ("", through)
    ]
