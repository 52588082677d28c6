from __future__ import annotations

from typing import Any

from django_bgtasks import task


@task
def tidy(days: int = 7, *, deep: bool = False) -> None:
    pass


@task
def report(*args: Any, **kwargs: Any) -> None:
    pass
