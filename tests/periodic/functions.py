"""Tasks with signatures of every kind, to be called by schedules."""

from __future__ import annotations

from typing import Any

from django_bgtasks import task


@task
def nothing() -> None: ...


@task(queue_name="mail")
def by_mail() -> None: ...


@task
def two(first: int, second: str = "") -> None: ...


@task
def by_name(*, key: int, note: str = "") -> None: ...


@task
def by_place(first: int, /, second: int = 0) -> None: ...


@task
def any_place(*numbers: int) -> None: ...


@task
def anything(first: int = 0, /, *rest: Any, key: int = 0, **others: Any) -> None: ...


@task(takes_context=True)
def with_context(context: Any, user_id: int) -> None: ...


@task(takes_context=True)
def with_context_by_place(context: Any, /, **others: Any) -> None: ...


ALL = (
    nothing,
    two,
    by_name,
    by_place,
    any_place,
    anything,
    with_context,
    with_context_by_place,
)


def no_task() -> None: ...
