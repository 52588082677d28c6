"""Moments that the bodies of tasks write down, one short line each.

The file lies in memory where the system has a place for that. The clock is the
monotonic one, which all processes of a machine share.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_VARIABLE = "BGTASKS_BENCH_STAMPS"
_descriptor: int | None = None


def stamp(number: int) -> None:
    """Note that ``number`` happened now. Appends of one line do not mix."""
    global _descriptor
    now = time.monotonic()
    if _descriptor is None:
        _descriptor = os.open(os.environ[_VARIABLE], os.O_WRONLY | os.O_APPEND)
    os.write(_descriptor, b"%d %.6f\n" % (number, now))


class Stamps:
    """The moments written down so far."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> dict[int, float]:
        lines = (line.split() for line in self._path.read_text().splitlines())
        return {int(number): float(moment) for number, moment in lines}

    def wait(self, count: int, timeout: float = 60) -> dict[int, float]:
        """Return the stamps once there are ``count``. Raise TimeoutError."""
        deadline = time.monotonic() + timeout
        while len(found := self.read()) < count:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{len(found)} of {count} tasks ran in {timeout} s.")
            time.sleep(0.01)
        return found


@contextmanager
def stamps() -> Iterator[Stamps]:
    """Collect the stamps of worker processes started inside."""
    memory = Path("/dev/shm")
    directory = str(memory) if os.access(memory, os.W_OK) else None
    with tempfile.NamedTemporaryFile(prefix="bgtasks-bench-", dir=directory) as file:
        os.environ[_VARIABLE] = file.name
        try:
            yield Stamps(Path(file.name))
        finally:
            del os.environ[_VARIABLE]
