"""The bodies of the tasks, the same for every queue that is measured."""

from __future__ import annotations

import asyncio
import time

from . import tally
from .stamps import stamp as _stamp


def noop(number: int) -> int:
    tally.count()
    return number


def stamp(number: int) -> None:
    """Write down when the body began."""
    _stamp(number)


def nap(seconds: float) -> None:
    tally.begin()
    time.sleep(seconds)
    tally.count()


async def anap(seconds: float) -> None:
    tally.begin()
    await asyncio.sleep(seconds)
    tally.count()
