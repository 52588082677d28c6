"""What processes take."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import psutil

from .bars import MEGABYTE


def of_process(process: psutil.Process) -> dict[str, float]:
    """Return what a process takes now. Raise psutil.Error if it is gone."""
    with process.oneshot():
        memory = process.memory_full_info()
        cpu = process.cpu_times()
        return {
            "pid": process.pid,
            # Its own alone; with its share of what it shares; with all of it.
            "uss": memory.uss / MEGABYTE,
            "pss": memory.pss / MEGABYTE,
            "rss": memory.rss / MEGABYTE,
            "descriptors": process.num_fds(),
            "threads": process.num_threads(),
            "cpu": cpu.user + cpu.system,
        }


def of_all(processes: Mapping[str, psutil.Process]) -> dict[str, dict[str, float]]:
    """Return what each of these takes, by their names; the dead are left out."""
    found: dict[str, dict[str, float]] = {}
    for name, process in processes.items():
        with suppress(psutil.Error):
            found[name] = of_process(process)
    return found


def series_of(samples: list[dict[str, Any]]) -> dict[str, list[tuple[float, float]]]:
    """Turn samples, each with its ``at``, into the series of each figure."""
    series: dict[str, list[tuple[float, float]]] = {}
    for sample in samples:
        for name, value in _figures(sample):
            series.setdefault(name, []).append((sample["at"], value))
    return series


def _figures(sample: Mapping[str, Any]) -> list[tuple[str, float]]:
    found = []
    for role, facts in sample.get("processes", {}).items():
        found.append((f"memory: {role}", facts["uss"]))
        found += [
            (f"{each}: {role}", facts[each]) for each in ("descriptors", "threads")
        ]
    for kind, values in sample.items():
        if kind not in ("at", "processes", "overdue"):
            found += [(f"{kind}: {name}", value) for name, value in values.items()]
    return found
