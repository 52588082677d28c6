from __future__ import annotations

from django_bgtasks import task
from tests.testapp.models import Effect

ran: list[int] = []


@task
def note(number: int) -> int:
    ran.append(number)
    return number


@task
def effect(key: str) -> None:
    Effect.objects.create(key=key)


@task(atomic=True)
def effect_once(key: str) -> None:
    Effect.objects.create(key=key)


@task(max_attempts=2, backoff=0)
def fail_once(number: int) -> None:
    raise ValueError(number)
