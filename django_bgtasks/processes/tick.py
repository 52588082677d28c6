"""When a worker does what is done once a second. Pure."""

from __future__ import annotations

_EVERY = 1.0


class Tick:
    """Comes once a second, but not between a claim and the body of its job.

    That thread would wait for this one. The next step, when a job has ended or a tenth
    of a second later, is early enough.
    """

    def __init__(self) -> None:
        self._next = 0.0
        self._claimed = 0
        self._is_put_off = False

    def is_due(self, clock: float, claimed: int) -> bool:
        """Tell whether it is to be done now, with so many jobs claimed so far."""
        has_claimed, self._claimed = claimed != self._claimed, claimed
        if clock < self._next:
            return False
        self._is_put_off = has_claimed and not self._is_put_off
        if self._is_put_off:
            return False
        self._next = clock + _EVERY
        return True
