"""A module whose import takes as long as a test wants."""

from __future__ import annotations

from django_bgtasks import task

from . import gate

gate.reached.set()
gate.opened.wait(30)


@task
def late() -> None:
    pass
