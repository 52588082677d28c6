"""What a worker has under way, in memory that outlives it.

When a worker dies, its supervisor must know which of the claimed jobs had been
begun: those lose an attempt, the others do not. So each slot notes its job here
before it begins and wipes it after. The other way round, the supervisor notes when
it has last said in the database that the worker lives.
"""

from __future__ import annotations

import mmap
import os
import struct
from uuid import UUID

from .shared_file import unnamed_file

_SLOT = struct.Struct("16sd")
_EMPTY = bytes(16)
# After the slots: when the supervisor last vouched for the worker, and a byte that says
# whether the worker claims no more.
_VOUCHED = struct.Struct("d")
_REST = _VOUCHED.size + 1


class Board:
    """A file without a name, mapped by the supervisor and its worker."""

    def __init__(self, descriptor: int, slots: int) -> None:
        self.descriptor = descriptor
        self.slots = slots
        self._memory = mmap.mmap(descriptor, _SLOT.size * slots + _REST)

    @classmethod
    def create(cls, slots: int) -> Board:
        return cls(unnamed_file(_SLOT.size * slots + _REST), slots)

    def begin(self, slot: int, job_id: str, deadline: float | None) -> None:
        """Note that a job begins; ``deadline`` is monotonic, shared on a host."""
        _SLOT.pack_into(
            self._memory, slot * _SLOT.size, bytes.fromhex(job_id), deadline or 0.0
        )

    def end(self, slot: int) -> None:
        # The deadline as well, or the next job would have it for a moment.
        start = slot * _SLOT.size
        self._memory[start : start + _SLOT.size] = bytes(_SLOT.size)

    def forgive(self, clock: float) -> None:
        """Wipe what is given back unfinished; it stays if it is over its time."""
        for slot in range(self.slots):
            _, deadline = _SLOT.unpack_from(self._memory, slot * _SLOT.size)
            if not deadline or deadline > clock:
                self.end(slot)

    def begun(self) -> dict[UUID, float]:
        """Return the jobs under way, each with its deadline or 0."""
        found = {}
        for slot in range(self.slots):
            key, deadline = _SLOT.unpack_from(self._memory, slot * _SLOT.size)
            if key != _EMPTY:
                found[UUID(bytes=key)] = deadline
        return found

    def vouch(self, clock: float) -> None:
        """Note when it was last said in the database that the worker lives."""
        _VOUCHED.pack_into(self._memory, _SLOT.size * self.slots, clock)

    @property
    def vouched_at(self) -> float:
        moment: float = _VOUCHED.unpack_from(self._memory, _SLOT.size * self.slots)[0]
        return moment

    def retire(self) -> None:
        """Say that the worker only ends what it runs, so another may take over."""
        self._memory[-1] = 1

    @property
    def is_retired(self) -> bool:
        return bool(self._memory[-1])

    def close(self) -> None:
        self._memory.close()
        os.close(self.descriptor)
