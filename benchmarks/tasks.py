"""The tasks that are enqueued to be measured."""

from __future__ import annotations

import asyncio
import time

from django_bgtasks import task

from .stamps import stamp as _stamp


@task
def noop(number: int) -> int:
    return number


@task
def stamp(number: int) -> None:
    """Write down when the body began."""
    _stamp(number)


@task
def nap(seconds: float) -> None:
    time.sleep(seconds)


@task
async def anap(seconds: float) -> None:
    await asyncio.sleep(seconds)
