"""Tasks that leave their traces in the ledger."""

from __future__ import annotations

from django_bgtasks import task

from .models import Effect


@task
def record(key: str) -> str:
    """Note the key in the ledger."""
    Effect.objects.create(key=key)
    return key


@task
def fail(key: str) -> None:
    Effect.objects.create(key=key)
    raise ValueError(f"{key} was meant to fail")


@task(sensitive=("password",))
def sign_in(name: str, password: str, options: dict[str, str] | None = None) -> None:
    Effect.objects.create(key=name)


@task
def anything(*args: object, **kwargs: object) -> None:
    Effect.objects.create(key=repr(args))
