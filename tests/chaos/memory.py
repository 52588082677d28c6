"""Little memory for some processes: the kernel kills who takes more."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from .disk import Refused

_ROOT = Path("/sys/fs/cgroup")


class LittleMemory:
    """A control group whose members may take so many megabytes beyond what they have.

    What a process has taken before it came in is not counted here.
    """

    def __init__(self, megabytes: int = 48) -> None:
        is_old = (_ROOT / "memory").is_dir()
        self.parent = _ROOT / "memory" if is_old else _ROOT
        self.path = self.parent / f"bgtasks-chaos-{os.getpid()}"
        limit = "memory.limit_in_bytes" if is_old else "memory.max"
        try:
            self.path.mkdir(exist_ok=True)
            (self.path / limit).write_text(str(megabytes << 20))
        except OSError as error:
            with suppress(OSError):
                self.path.rmdir()
            raise Refused(f"No memory can be limited here: {error}") from None

    def take_in(self, pids: Iterable[int]) -> None:
        self._move(pids, self.path)

    def let_go(self) -> None:
        self._move(map(int, (self.path / "cgroup.procs").read_text().split()), None)

    def remove(self) -> None:
        with suppress(OSError):
            self.let_go()
            self.path.rmdir()

    def _move(self, pids: Iterable[int], group: Path | None) -> None:
        for pid in pids:
            with suppress(ProcessLookupError):
                ((group or self.parent) / "cgroup.procs").write_text(str(pid))
