"""Waiting for what other processes and threads do."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def eventually(
    look: Callable[[], T], what: str = "", timeout: float = 60, pause: float = 0.02
) -> T:
    """Call ``look`` until it returns something true, and return that.

    Fail after ``timeout`` seconds, naming ``what`` was waited for.
    """
    deadline = time.monotonic() + timeout
    while True:
        if found := look():
            return found
        if time.monotonic() > deadline:
            raise AssertionError(
                f"Waited {timeout} s for {what or look}; last seen: {found!r}"
            )
        time.sleep(pause)
