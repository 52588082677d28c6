"""The tasks that are enqueued to be measured."""

from __future__ import annotations

from django_bgtasks import task

from . import bodies


@task
def noop(number: int) -> int:
    return bodies.noop(number)


@task
def stamp(number: int) -> None:
    bodies.stamp(number)


@task
def nap(seconds: float) -> None:
    bodies.nap(seconds)


@task
async def anap(seconds: float) -> None:
    await bodies.anap(seconds)
