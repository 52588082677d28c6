"""A task with a schedule, as a project writes it."""

from __future__ import annotations

from django_bgtasks import periodic, task


@periodic("* * * * * *", name="in code")
@task
def tidy() -> None: ...
