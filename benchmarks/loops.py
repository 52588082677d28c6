"""Calls made one after another, each with the moments before and after it.

The clock is the monotonic one, which all processes of a machine share.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence

Moments = list[tuple[float, float]]


def one_by_one(
    call: Callable[[float], object], values: Sequence[float], pause: float = 0.0
) -> Moments:
    """Call with each value, after about ``pause`` seconds where one is given."""
    moments = []
    for value in values:
        if pause:
            time.sleep(uneven(pause))
        before = time.monotonic()
        call(value)
        moments.append((before, time.monotonic()))
    return moments


def uneven(pause: float) -> float:
    """Vary a pause, so that it is not in step with anything that polls."""
    return pause * random.uniform(0.5, 1.5)
