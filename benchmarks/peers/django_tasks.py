"""The tasks, for the queues that are backends of ``django.tasks``."""

from __future__ import annotations

from django.tasks import task

from .. import bodies


@task
def noop(number: int) -> int:
    return bodies.noop(number)


@task
def stamp(number: int) -> None:
    bodies.stamp(number)


@task
def nap(seconds: float) -> None:
    bodies.nap(seconds)
