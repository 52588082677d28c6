from __future__ import annotations

import select
from collections.abc import Iterable


def sleep(seconds: float, descriptors: Iterable[int | None]) -> set[int]:
    """Wait until one of the descriptors can be read; return those that can."""
    poll = select.poll()
    for descriptor in descriptors:
        if descriptor is not None:
            poll.register(descriptor, select.POLLIN)
    return {descriptor for descriptor, _ in poll.poll(max(seconds, 0.0) * 1000)}
