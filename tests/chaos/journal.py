"""What happened outside of the database: lines in a file, written by any process.

A line is appended by one write to a file that is opened for each process, so those of
many processes do not mix, and a kill loses none that was written.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_descriptors: dict[tuple[int, str], int] = {}


def note(path: str | Path, what: str, **facts: Any) -> None:
    """Append a line, with this process's pid and the time that all hosts share.

    The time is monotonic: the clock of a host may be wrong, and may be set.
    """
    key = os.getpid(), str(path)
    if key not in _descriptors:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        _descriptors[key] = os.open(path, flags, 0o644)
    line = {"what": what, "at": time.monotonic(), "pid": key[0], **facts}
    os.write(_descriptors[key], f"{json.dumps(line)}\n".encode())


def read(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the lines in their order; none if nobody wrote any."""
    if path.exists():
        with path.open() as file:
            for line in file:
                yield json.loads(line)
