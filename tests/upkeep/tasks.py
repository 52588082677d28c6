from __future__ import annotations

from typing import Any

from django_bgtasks import task


@task
def echo(*args: Any) -> list[Any]:
    return list(args)


@task(max_attempts=2, backoff=3600)
def fail_later() -> None:
    raise ValueError("not yet")


@task(takes_context=True)
def tell(context: Any) -> None:
    context.metadata["told"] = True
    context.save_metadata()
