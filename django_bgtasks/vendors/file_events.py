"""The kernel's word that a file was written to: inotify, which Linux has."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

_IN_MODIFY = 0x2
_FLAGS = os.O_NONBLOCK | os.O_CLOEXEC


class FileEvents:
    """Tells that one of several files was written to, by whatever process."""

    def __init__(self, paths: Iterable[str]) -> None:
        """Raise OSError where there is no inotify, or no more of it."""
        self._paths = [Path(path) for path in paths]
        self._add: Any = partial(_call, "inotify_add_watch")
        self._descriptor: int | None = _call("inotify_init1", _FLAGS)
        try:
            self.follow()
        except OSError:
            self.close()
            raise

    def fileno(self) -> int | None:
        return self._descriptor

    def follow(self) -> None:
        """Watch the files that have these paths by now."""
        for path in self._paths:
            if self._descriptor is not None and path.exists():
                self._add(self._descriptor, os.fsencode(path), _IN_MODIFY)

    def read(self) -> bool:
        """Forget what has happened since the last call; tell whether anything has."""
        found = False
        try:
            while self._descriptor is not None and os.read(self._descriptor, 4096):
                found = True
        except BlockingIOError:
            pass
        return found

    def close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _call(name: str, *arguments: Any) -> int:
    try:
        function = getattr(ctypes.CDLL(None, use_errno=True), name)
    except (AttributeError, TypeError) as error:
        raise OSError(f"there is no {name}() here") from error
    result: int = function(*arguments)
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
