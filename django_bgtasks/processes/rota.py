from __future__ import annotations

import mmap
import os
import struct
from enum import IntEnum

from .shared_file import unnamed_file

_MOMENT = struct.Struct("d")
# Seconds between the turns of two workers, so that the first has done it by then.
_STEP = 0.02


class Duty(IntEnum):
    """Where an idle worker looks now and then, although nobody has called it."""

    SWEEP = 0
    DEFERRED = 1


class Rota:
    """Which duty was last done when, in memory that a supervisor's workers share.

    They all look in the same places, so it is enough that one of them has looked.
    """

    def __init__(self, descriptor: int, number: int = 0) -> None:
        self.descriptor = descriptor
        self._later = number * _STEP
        self._memory = mmap.mmap(descriptor, _MOMENT.size * len(Duty))

    @classmethod
    def create(cls) -> Rota:
        return cls(unnamed_file(_MOMENT.size * len(Duty)))

    def note(self, duty: Duty, clock: float) -> None:
        """Note that a duty was done; ``clock`` is monotonic, shared on a host."""
        _MOMENT.pack_into(self._memory, _MOMENT.size * duty, clock)

    def last(self, duty: Duty) -> float:
        """Return when a duty was done, and a little later the higher the number.

        So those who wait equally long for the next time do not all do it at once.
        """
        moment: float = _MOMENT.unpack_from(self._memory, _MOMENT.size * duty)[0]
        return moment + self._later

    def close(self) -> None:
        self._memory.close()
        os.close(self.descriptor)
