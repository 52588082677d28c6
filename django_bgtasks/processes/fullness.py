from __future__ import annotations

from .config import WorkerConfig
from .memory import resident_bytes


def has_done_enough(config: WorkerConfig, claimed: int) -> bool:
    """Tell whether a process has claimed the jobs that it may."""
    return config.max_jobs is not None and claimed >= config.max_jobs


def takes_too_much(config: WorkerConfig) -> bool:
    """Tell whether a process takes more memory than it may."""
    if config.max_memory is None:
        return False
    return (resident_bytes() or 0) > config.max_memory * 1024**2
