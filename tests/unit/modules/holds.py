"""A module of the project that nobody imports before a job names it."""

from __future__ import annotations

from django_bgtasks import task

IMPORTED = True


@task
def declared() -> None:
    pass


def not_declared() -> None:
    pass


class Shelf:
    @staticmethod
    def hidden() -> None:
        pass


other_name = declared
