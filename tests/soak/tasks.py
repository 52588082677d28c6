"""The tasks of the load: each of the features leaves its rows behind.

``sent`` is when the caller enqueued the job, on the clock that all processes share;
None where it was not meant to start at once.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from typing import Any

from django.db import transaction

from django_bgtasks import Retry, task
from tests.chaos import journal
from tests.testapp.models import Effect

logger = logging.getLogger("tests.soak")


class Meant(Exception):
    """An end that belongs to the plan."""


def _begin(context: Any, sent: float | None = None, **facts: Any) -> None:
    if sent is not None and context.attempt == 1:
        facts["late"] = round(time.monotonic() - sent, 6)
    _note("began", job=context.task_result.id, attempt=context.attempt, **facts)


def _note(what: str, **facts: Any) -> None:
    journal.note(os.environ["BGTASKS_CHAOS_RUNS"], what, **facts)


@task(takes_context=True)
def quick(context: Any, sent: float | None = None) -> str:
    _begin(context, sent)
    return "done"


@task(takes_context=True, atomic=True, queue_name="mail")
def atomic(context: Any, sent: float | None = None) -> int:
    """Write to a row that is there: what grows shall be the queue's."""
    _begin(context, sent)
    key = f"row {hash(context.task_result.id) % 50}"
    return Effect.objects.filter(key=key).update(key=key)


@task(takes_context=True)
async def coroutine(context: Any, sent: float | None = None) -> int:
    _begin(context, sent)
    await asyncio.sleep(0.02)
    return await Effect.objects.filter(key="row 1").acount()


@task(takes_context=True, queue_name="mail")
def waiting(context: Any, sent: float | None = None) -> None:
    _begin(context, sent)
    time.sleep(0.1)


@task(takes_context=True, max_attempts=3, backoff=0.5)
def flaky(context: Any, sent: float | None = None) -> str:
    _begin(context, sent)
    if context.attempt == 1:
        raise Meant("It does not work at first.")
    if context.attempt == 2:
        raise Retry("Nor a little later.", after=0.3)
    return "done"


@task(takes_context=True, max_attempts=2, backoff=0.2)
def doomed(context: Any, sent: float | None = None) -> None:
    _begin(context, sent)
    raise Meant(f"Attempt {context.attempt} of {context.task_result.id} fails.")


@task(takes_context=True, timeout=0.2, queue_name="slow")
def overtime(context: Any, sent: float | None = None) -> None:
    _begin(context, sent)
    while True:
        time.sleep(0.005)


@task(takes_context=True, timeout=0.2, queue_name="slow")
async def overtime_async(context: Any, sent: float | None = None) -> None:
    _begin(context, sent)
    await asyncio.sleep(60)


@task(takes_context=True, queue_name="slow")
def cancelled(context: Any, sent: float | None = None) -> None:
    """Somebody cancels it, while it waits or while it runs."""
    _begin(context, sent)
    for _ in range(100):
        time.sleep(0.01)


@task(takes_context=True, queue_name="slow")
def telling(context: Any, sent: float | None = None) -> dict[str, Any]:
    _begin(context, sent)
    for done in range(4):
        context.progress(done, 4)
        time.sleep(0.02)
    context.metadata["told"] = "x" * 200
    context.save_metadata()
    return {"told": 4}


@task(takes_context=True, capture_logs="INFO")
def logging_much(context: Any, sent: float | None = None) -> None:
    _begin(context, sent)
    for number in range(5):
        logger.info("Line %d of job %s", number, context.task_result.id)


@task(takes_context=True)
def large(context: Any, sent: float | None, text: str) -> str:
    """Values that the database keeps apart from their row."""
    _begin(context, sent)
    return text[::-1]


@task(takes_context=True, atomic=True)
def parent(context: Any, sent: float | None = None) -> list[str]:
    _begin(context, sent)
    children = [quick.enqueue().id, not_kept.enqueue().id]
    transaction.on_commit(lambda: _note("committed", jobs=children))
    return children


@task(takes_context=True, retention=0)
def not_kept(context: Any, sent: float | None = None) -> None:
    """Of its row nothing is seen once it has ended."""
    _begin(context, sent, leaves_nothing=True)


@task(takes_context=True)
def due(context: Any) -> None:
    """What schedules enqueue."""
    _begin(context)


@task(takes_context=True)
def due_slowly(context: Any) -> None:
    """It overlaps with its next moment."""
    _begin(context)
    time.sleep(1.2)
