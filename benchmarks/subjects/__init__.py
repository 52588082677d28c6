"""What is measured. A subject is made when its vendor's process needs it."""

from __future__ import annotations

from ..peers.catalogue import PEERS
from .base import Subject, Workforce

OURS = "bgtasks"
SUBJECTS = (OURS, *PEERS)


def make(name: str) -> Subject:
    """Return a new subject. Raise KeyError for an unknown name."""
    # Imported only once it is asked for: it needs settings.
    if name == OURS:
        from .bgtasks import BgTasks

        return BgTasks()
    from .peer import PeerSubject

    return PeerSubject(PEERS[name])


__all__ = ["OURS", "SUBJECTS", "Subject", "Workforce", "make"]
