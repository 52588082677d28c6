"""The tasks of the load. Each leaves a row in the database, and lines outside it.

The first argument of each is its key: the kind, the caller, and a number.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from django.apps import apps

from django_bgtasks import Retry, task
from tests.testapp.models import Effect

from . import evil, journal

# The database may be away for many attempts of a job; that is no reason to fail it.
PATIENT = {"max_attempts": 1000, "backoff": 0.1}


class Meant(Exception):
    """An end that belongs to the plan."""


def _journal(what: str, context: Any, key: str, **more: Any) -> None:
    path = os.environ["BGTASKS_CHAOS_RUNS"]
    journal.note(path, what, key=key, attempt=context.attempt, **more)


@contextmanager
def _told(context: Any, key: str) -> Iterator[None]:
    """Say outside of the database that an attempt begins, and how it ends."""
    _journal("began", context, key)
    try:
        yield
    except (Meant, Retry):
        _journal("meant", context, key)
        raise
    except BaseException as error:
        _journal(f"raised {type(error).__name__}", context, key)
        raise
    else:
        _journal("ended", context, key)


def _work(key: str) -> None:
    Effect.objects.create(key=f"done:{key}")


@task(takes_context=True, **PATIENT)
def plain(context: Any, key: str) -> str:
    with _told(context, key):
        _work(key)
    return key


@task(takes_context=True, atomic=True, **PATIENT)
def atomic(context: Any, key: str) -> str:
    with _told(context, key):
        _work(key)
    return key


@task(takes_context=True, atomic=True, **PATIENT)
def chain(context: Any, key: str) -> str:
    """An effect and two more jobs: all or none, and once."""
    with _told(context, key):
        _work(key)
        plain.enqueue(f"link-{key}")
        atomic.using(priority=5).enqueue(f"atomic-link-{key}")
    return key


@task(takes_context=True, **PATIENT)
def flaky(context: Any, key: str) -> str:
    with _told(context, key):
        _work(key)
        if context.attempt < 3:
            raise Meant
    return key


@task(takes_context=True, atomic=True, **PATIENT)
def flaky_atomic(context: Any, key: str) -> str:
    """What the attempts that fail write is rolled back with them."""
    with _told(context, key):
        _work(key)
        if context.attempt < 3:
            raise Retry("once more", after=0.05 * context.attempt)
    return key


@task(takes_context=True, atomic=True, max_attempts=2, backoff=0.1)
def doomed(context: Any, key: str) -> None:
    with _told(context, key):
        _work(key)
        raise Meant


@task(takes_context=True, **PATIENT)
def held(context: Any, key: str, seconds: float) -> str:
    """Long enough to be hit."""
    with _told(context, key):
        time.sleep(seconds)
        _work(key)
    return key


@task(takes_context=True, atomic=True, **PATIENT)
def held_atomic(context: Any, key: str, seconds: float) -> str:
    with _told(context, key):
        _work(key)
        time.sleep(seconds)
    return key


@task(takes_context=True, timeout=0.3)
def overtime(context: Any, key: str) -> None:
    with _told(context, key):
        while True:
            time.sleep(0.005)


@task(takes_context=True, **PATIENT)
async def coroutine(context: Any, key: str) -> str:
    with _told(context, key):
        await asyncio.sleep(0.01)
        await Effect.objects.acreate(key=f"done:{key}")
    return key


@task(takes_context=True, **PATIENT)
def cancelled(context: Any, key: str) -> str:
    """Somebody cancels it, sooner or later."""
    with _told(context, key):
        for _ in range(20):
            time.sleep(0.01)
        _work(key)
    return key


@task(takes_context=True, atomic=True, **PATIENT)
def due(context: Any, number: str) -> str:
    """What schedules enqueue; the job's own id tells each moment from the next."""
    key = f"due-{context.task_result.id}"
    with _told(context, key):
        _work(key)
    return number


@task(takes_context=True, **PATIENT)
def greedy(context: Any, key: str) -> str:
    """Take more memory than some processes may have."""
    with _told(context, key):
        pages = bytearray(96 << 20)
        pages[::4096] = b"x" * len(pages[::4096])
        _work(key)
    return key


@task(takes_context=True, **PATIENT)
def frozen(context: Any, key: str, seconds: float) -> str:
    """Sleep without letting go of the interpreter."""
    with _told(context, key):
        _journal("frozen", context, key, seconds=seconds)
        ctypes.PyDLL(None).usleep(round(seconds * 1_000_000))
        _work(key)
    return key


@task(takes_context=True, **PATIENT)
def deleter(context: Any, key: str, tables: list[str]) -> str:
    """Delete its own rows. What becomes of it is its own affair."""
    with _told(context, key):
        for name in tables:
            rows = apps.get_model("django_bgtasks", name).objects
            rows.filter(pk=context.task_result.id).delete()
    return key


@task(takes_context=True, **PATIENT)
def hostile(context: Any, key: str, way: str) -> str:
    """Do evil once; whoever runs it next finds it tame."""
    with _told(context, key):
        if context.attempt == 1:
            _journal(f"evil {way}", context, key)
            with suppress(BaseException):
                evil.WAYS[way]()
            raise Meant
        _work(key)
    return key


@task(takes_context=True, atomic=True, **PATIENT)
def hostile_atomic(context: Any, key: str, way: str) -> str:
    with _told(context, key):
        _work(key)
        if context.attempt == 1:
            _journal(f"evil {way}", context, key)
            with suppress(BaseException):
                evil.WAYS[way]()
            raise Meant
    return key
