from __future__ import annotations

import os
import resource
import sys
from pathlib import Path

from .config import WorkerConfig


def resident_megabytes() -> float:
    """Return how much memory this process takes; where unknown, its peak."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1024**2
    except (OSError, ValueError, IndexError):
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak / (1024**2 if sys.platform == "darwin" else 1024)


def has_done_enough(config: WorkerConfig, claimed: int) -> bool:
    """Tell whether a process has claimed the jobs that it may."""
    return config.max_jobs is not None and claimed >= config.max_jobs


def takes_too_much(config: WorkerConfig) -> bool:
    """Tell whether a process takes more memory than it may."""
    return config.max_memory is not None and resident_megabytes() > config.max_memory
