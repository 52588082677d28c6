"""How a sleeping worker learns that there may be something to do."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf

# Stands among the messages where it is not known what has happened.
ANYTHING = "anything"


@dataclass(slots=True)
class Watcher:
    """Tells a sleeping worker that there may be something to do.

    This one polls: soon after work, then ever more seldom. It is the fallback of
    every vendor, and right by itself; hearing is only faster.
    """

    shortest: float = 0.02
    longest: float = 0.5
    # Whether it is told of what happens, and what it was told since last emptied.
    hears: bool = field(default=False, init=False)
    messages: set[str] = field(default_factory=set, init=False)
    _pause: float = field(default=0.02, init=False)
    # When everything was looked at, by whomever.
    _looked_at: float = field(default=-inf, init=False)

    def fileno(self) -> int | None:
        """A descriptor that turns readable when something may have happened."""
        return None

    def stirred(self) -> bool:
        """Whether something may have happened since the last call."""
        return time.monotonic() - self._looked_at >= self._pause

    def looked(self, clock: float) -> None:
        """Note that somebody has looked at everything, and left nothing."""
        self._looked_at = max(self._looked_at, clock)

    def pause(self, busy: bool) -> float:
        """Seconds to sleep at most before asking again."""
        self._pause = self.shortest if busy else min(self._pause * 1.3, self.longest)
        return self._left(self._pause)

    def _left(self, pause: float) -> float:
        """Seconds until ``pause`` will have passed since the last look."""
        left = self._looked_at + pause - time.monotonic()
        return left if 0 < left < pause else pause

    def tend(self, notify: Callable[[str], None]) -> None:
        """Look after the watcher's own health; called about once a second."""

    def close(self) -> None:
        """Give up what it holds."""
