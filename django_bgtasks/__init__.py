"""Background tasks for Django on the database the project already has."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

# At once, unlike the others: see docs/adr/0009-name-periodic.md.
from .periodic.declare import periodic

__version__ = "0.1.0.dev0"

if TYPE_CHECKING:
    from .backend import DatabaseBackend
    from .backoff import exponential, linear
    from .bgtask import BgTask, task
    from .exceptions import Abort, InvalidArguments, Retry, TaskCancelled, TaskTimeout
    from .results import BgTaskContext, BgTaskResult, Progress

__all__ = [
    "Abort",
    "BgTask",
    "BgTaskContext",
    "BgTaskResult",
    "DatabaseBackend",
    "InvalidArguments",
    "Progress",
    "Retry",
    "TaskCancelled",
    "TaskTimeout",
    "exponential",
    "linear",
    "periodic",
    "task",
]

_HOMES = {
    "backend": ("DatabaseBackend",),
    "backoff": ("exponential", "linear"),
    "exceptions": (
        "Abort",
        "InvalidArguments",
        "Retry",
        "TaskCancelled",
        "TaskTimeout",
    ),
    "results": ("BgTaskContext", "BgTaskResult", "Progress"),
    "bgtask": ("BgTask", "task"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    # Lazily: Django imports the package before its settings and apps are ready.
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_HOME_OF[name]}", __name__), name)
    globals()[name] = value
    return value
