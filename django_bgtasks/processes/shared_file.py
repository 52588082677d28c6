from __future__ import annotations

import os
import tempfile
from pathlib import Path


def unnamed_file(size: int) -> int:
    """Return the descriptor of a file without a name, of so many zeros, to be mapped.

    In memory where the system has such files. Elsewhere its blocks are taken here, for
    a mapped file that finds no room on its disk ends its process.
    """
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("bgtasks")
    else:
        descriptor, path = tempfile.mkstemp(prefix="bgtasks-")
        Path(path).unlink()
    os.pwrite(descriptor, bytes(size), 0)
    return descriptor
