"""What is measured. A subject is made when its vendor's process needs it."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from .base import Subject, Workforce

# The module is imported only once the subject is asked for: it may need packages
# and settings of its own.
_PLACES = {"bgtasks": ("bgtasks", "BgTasks")}
SUBJECTS = tuple(_PLACES)


def make(name: str) -> Subject:
    """Return a new subject. Raise KeyError for an unknown name."""
    module, attribute = _PLACES[name]
    made: Callable[[], Subject] = getattr(
        import_module(f".{module}", __name__), attribute
    )
    return made()


__all__ = ["SUBJECTS", "Subject", "Workforce", "make"]
