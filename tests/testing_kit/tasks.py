"""Tasks that the tests of the testing kit run."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib.auth.models import Group
from django.db import IntegrityError, transaction

from django_bgtasks import Retry, task
from tests.testapp.models import Effect


def happened(key: str) -> int:
    return Effect.objects.filter(key=key).count()


@task
def note(key: str) -> str:
    Effect.objects.create(key=key)
    return key


@task
def add(left: int, right: int = 0) -> int:
    return left + right


@task(queue_name="mail", priority=5)
def mail(key: str) -> None:
    Effect.objects.create(key=key)


@task
async def think(key: str) -> str:
    await Effect.objects.acreate(key=key)
    return key


@task
def note_and_pass_on(key: str, times: int) -> None:
    Effect.objects.create(key=key)
    if times > 1:
        note_and_pass_on.enqueue(key, times - 1)


@task
def for_ever() -> None:
    for_ever.enqueue()


@task
def blunder(key: str) -> None:
    Effect.objects.create(key=key)
    raise LookupError(f"no {key}")


@task(max_attempts=3, backoff=60)
def third_time_lucky(key: str) -> str:
    Effect.objects.create(key=key)
    if happened(key) < 3:
        raise LookupError(key)
    return key


@task(max_attempts=2, backoff=0)
def twice_at_once(key: str) -> None:
    Effect.objects.create(key=key)
    raise LookupError(key)


@task
def ask_again(key: str) -> None:
    Effect.objects.create(key=key)
    if happened(key) < 2:
        raise Retry(after=timedelta(hours=1))


@task
def clash(name: str) -> None:
    Effect.objects.create(key=name)
    transaction.on_commit(lambda: None)
    Group.objects.create(name=name)
    Group.objects.create(name=name)


@task
def clash_and_recover(name: str) -> None:
    Group.objects.create(name=name)
    try:
        with transaction.atomic():
            Group.objects.create(name=name)
    except IntegrityError:
        Effect.objects.create(key=name)


@task(atomic=True)
def all_or_nothing(key: str, *, good: bool) -> None:
    Effect.objects.create(key=key)
    if not good:
        raise LookupError(key)


@task
def durable(key: str) -> None:
    with transaction.atomic(durable=True):
        Effect.objects.create(key=key)


@task(takes_context=True)
def tell(context: Any, key: str) -> dict[str, Any]:
    context.metadata["key"] = key
    context.save_metadata()
    context.progress(3, 4)
    return {"attempt": context.attempt, "stop": context.should_stop}


@task(retention={"successful": 0, "failed": "7d"})
def leave_no_trace(key: str) -> str:
    Effect.objects.create(key=key)
    return key
