"""How many bodies ran, and since when: a few bytes for each thread that runs them.

Each thread writes to a file of its own, mapped into memory, so that to count one more
costs a fraction of a microsecond and no lock. Nothing but Python's own modules is
needed: the workers of other queues count by the same code.
"""

from __future__ import annotations

import mmap
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count as numbers
from pathlib import Path
from struct import unpack
from typing import Any

_VARIABLE = "BGTASKS_BENCH_TALLY"
# When the first body began, in nanoseconds of the monotonic clock, and how many ended.
_SIZE = 16
_mine = threading.local()


def begin() -> Any:
    """Note that a body begins; the first of a thread is remembered."""
    try:
        return _mine.slots
    except AttributeError:
        return _open()


def count() -> None:
    """Note that a body ends."""
    slots = begin()
    slots[1] = next(_mine.numbers)


def _open() -> Any:
    began = time.monotonic_ns()
    directory = os.environ.get(_VARIABLE)
    _mine.numbers = numbers(1)
    if directory is None:
        _mine.slots = [began, 0]
        return _mine.slots
    descriptor, _ = tempfile.mkstemp(dir=directory)
    os.ftruncate(descriptor, _SIZE)
    _mine.slots = memoryview(mmap.mmap(descriptor, _SIZE)).cast("q")
    os.close(descriptor)
    _mine.slots[0] = began
    return _mine.slots


def _forget() -> None:
    global _mine
    _mine = threading.local()


# What the parent counted stays the parent's.
os.register_at_fork(after_in_child=_forget)


class Tally:
    """What the bodies have counted so far."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def read(self) -> tuple[float, int]:
        """Return when the first body began (0.0: none did), and how many ended."""
        records = [path.read_bytes() for path in self._directory.iterdir()]
        slots = [unpack("qq", each) for each in records if len(each) == _SIZE]
        began = [first for first, _ in slots if first]
        return min(began, default=0) / 1e9, sum(ended for _, ended in slots)

    def wait(self, count: int, check: Callable[[], None], timeout: float) -> float:
        """Return when the first body began, once ``count`` ended.

        ``check`` is called again and again meanwhile. Raise TimeoutError.
        """
        deadline = time.monotonic() + timeout
        while (found := self.read())[1] < count:
            check()
            if time.monotonic() > deadline:
                raise TimeoutError(f"{found[1]} of {count} tasks ran in {timeout} s.")
            time.sleep(0.005)
        return found[0]


@contextmanager
def tallied() -> Iterator[Tally]:
    """Count the bodies that worker processes run which are started inside."""
    memory = Path("/dev/shm")
    place = str(memory) if os.access(memory, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="bgtasks-bench-", dir=place) as directory:
        # A worker may run as another user than the one who measures.
        Path(directory).chmod(0o777)
        os.environ[_VARIABLE] = directory
        try:
            yield Tally(Path(directory))
        finally:
            del os.environ[_VARIABLE]
