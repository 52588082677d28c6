"""Tasks that take and return anything."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django_bgtasks import task

# What `give` returns; a value need not be JSON, so it cannot be an argument.
given: list[Callable[[], Any]] = []


@task
def take(*args: Any, **kwargs: Any) -> Any:
    return [list(args), kwargs]


@task
def give() -> Any:
    return given[-1]()


@task(sensitive=("pin",))
def keep(pin: str, note: Any = None) -> Any:
    return note


@task
def only(first: int, /, second: str = "", *, third: bool = False) -> None: ...
