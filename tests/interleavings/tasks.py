from __future__ import annotations

from django_bgtasks import task
from tests.testapp.models import Effect


@task
def echo(word: str) -> str:
    return word


@task(atomic=True)
def effect_once(key: str) -> None:
    Effect.objects.create(key=key)
