"""The machine: what it is, and who else makes it work."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import psutil

T = TypeVar("T")

_SERVERS = {
    "postgresql": ("postgres",),
    "mariadb": ("mariadbd",),
    "mysql": ("mysqld",),
}


@dataclass(frozen=True, slots=True)
class Disturbance:
    """CPU cores that others kept busy during a sample, and the load after it."""

    foreign_cores: float
    load: float


def describe() -> dict[str, str]:
    return {
        "Python": platform.python_version(),
        "CPUs": f"{os.cpu_count()} x {_processor()}",
        "system": f"{platform.system()} {platform.release()}",
    }


def observed(
    work: Callable[[], T], vendor: str, database: str, servers: Sequence[str] = ()
) -> tuple[T, Disturbance]:
    """Do ``work``, and tell how much of the machine went elsewhere meanwhile.

    To this process, its children, the vendor's server and those processes that are
    named in ``servers`` belongs what their CPU times say; the rest is foreign. Of the
    live connections to a PostgreSQL server only those count that serve ``database``.
    """
    started = time.monotonic()
    busy, before = _busy_seconds(), _our_seconds(vendor, database, servers)
    done = work()
    wall = time.monotonic() - started
    after = _our_seconds(vendor, database, servers)
    ours = sum(seconds - before.get(who, 0.0) for who, seconds in after.items())
    foreign = _busy_seconds() - busy - ours
    return done, Disturbance(max(foreign, 0.0) / wall, os.getloadavg()[0])


def _busy_seconds() -> float:
    times = psutil.cpu_times()._asdict()
    # A guest's time is part of user and nice already.
    resting = ("idle", "iowait", "guest", "guest_nice")
    return sum(float(seconds) for name, seconds in times.items() if name not in resting)


def _our_seconds(
    vendor: str, database: str, servers: Sequence[str]
) -> dict[tuple[int, float], float]:
    """The CPU time of each process of ours, with that of its ended children."""
    us = psutil.Process()
    processes = [us, *us.children(recursive=True)]
    names = (*_SERVERS.get(vendor, ()), *servers)
    if names:
        processes += [
            each for each in psutil.process_iter() if _serves(each, names, database)
        ]
    found = {}
    for process in processes:
        with suppress(psutil.Error):
            times = process.cpu_times()._asdict()
            resting = ("idle", "iowait")
            seconds = sum(times[name] for name in times if name not in resting)
            found[process.pid, process.create_time()] = seconds
    return found


def _serves(process: psutil.Process, names: tuple[str, ...], database: str) -> bool:
    try:
        if process.name() not in names:
            return False
        title = " ".join(process.cmdline())
    except psutil.Error:
        return False
    # PostgreSQL's first process knows what connections took that have ended.
    # The others say in their titles what they are, or which database they serve.
    return (
        not title.startswith("postgres:")
        or database in title
        or any(word in title for word in ("writer", "checkpointer", "autovacuum"))
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if "model name" in line]
    return names[0] if names else platform.machine()
