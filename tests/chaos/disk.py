"""A disk that can be full."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path


class Refused(Exception):
    """What a fault needs cannot be had here; the message says why."""


class SmallDisk:
    """A file system in memory that can be full."""

    def __init__(self, path: Path, megabytes: int = 2048) -> None:
        self.path, self.size = path, f"{megabytes}m"
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={self.size}", "tmpfs", str(path)],
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise Refused(f"No file system can be mounted: {done.stderr.strip()}")

    def fill(self) -> None:
        """Leave no room: the disk becomes as small as what it holds."""
        for _ in range(20):
            used = shutil.disk_usage(self.path).used
            # It is refused if more was written meanwhile.
            if self._resize(f"{max(used // 1024, 1)}k"):
                return

    def free(self) -> None:
        if not self._resize(self.size):
            raise RuntimeError(f"There is still no room on {self.path}.")

    def unmount(self) -> None:
        subprocess.run(["umount", "-l", str(self.path)], check=False)

    def _resize(self, size: str) -> bool:
        command = ["mount", "-o", f"remount,size={size}", str(self.path)]
        return subprocess.run(command, capture_output=True).returncode == 0
