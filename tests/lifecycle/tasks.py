"""Tasks whose lives are looked at."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db import connection

from django_bgtasks import Abort, Retry, TaskCancelled, linear, task
from tests.testapp.models import Effect

logger = logging.getLogger("tests.project")
seen: list[Any] = []
# What `do` does; a test puts it here, so that it needs no task of its own.
deeds: dict[str, Callable[..., Any]] = {}


@task
def echo(*args: Any, **kwargs: Any) -> Any:
    seen.append(args)
    return list(args)


@task
def exact(first: int, second: str = "", *, named: bool = False) -> None:
    pass


@task
def must_be_named(*, key: int) -> None:
    pass


@task
def effect(key: str) -> str:
    Effect.objects.create(key=key)
    return key


@task
def fail(message: str = "as told") -> None:
    raise ValueError(message)


@task
def do(name: str) -> Any:
    return deeds[name]()


@task(takes_context=True)
def do_with_context(context: Any, name: str) -> Any:
    return deeds[name](context)


@task(max_attempts=3, backoff=linear(10, jitter=0))
def fail_with_pauses(message: str = "again") -> None:
    raise ValueError(message)


@task(max_attempts=3, backoff=0)
def fail_at_once() -> None:
    raise ValueError("again")


@task(max_attempts=5, backoff=0, retry_on=(OSError, KeyError))
def picky(kind: str) -> None:
    raise {"OSError": OSError, "TimeoutError": TimeoutError, "TypeError": TypeError}[
        kind
    ](kind)


@task(max_attempts=5, backoff=0, no_retry_on=PermissionError)
def forgiving(kind: str) -> None:
    raise {"OSError": OSError, "PermissionError": PermissionError}[kind](kind)


@task(takes_context=True)
def ask_again(context: Any, times: int, after: float | None = None) -> int:
    if context.attempt <= times:
        raise Retry(f"Not yet: {context.attempt}", after=after)
    return int(context.attempt)


@task(max_attempts=5, backoff=0)
def abort() -> None:
    raise Abort("There is no such user.")


def only_twice(exception: BaseException, result: Any) -> float | None:
    seen.append((type(exception).__name__, result.attempts, result.id))
    return 0 if result.attempts < 2 else None


@task(max_attempts=10, backoff=only_twice)
def with_own_backoff() -> None:
    raise ValueError("again")


def broken_backoff(exception: BaseException, result: Any) -> float:
    raise ZeroDivisionError("in the backoff")


@task(max_attempts=10, backoff=broken_backoff)
def with_broken_backoff() -> None:
    raise ValueError("of the task")


@task(max_attempts=10, backoff=lambda exception, result: "soon")
def with_senseless_backoff() -> None:
    raise ValueError("of the task")


@task(expires=3600)
def fresh() -> None:
    seen.append("ran")


@task(atomic=True)
def record(key: str) -> str:
    Effect.objects.create(key=key)
    effect.enqueue(f"{key}, and then")
    return key


@task(atomic=True)
def record_and_fail(key: str) -> None:
    Effect.objects.create(key=key)
    effect.enqueue(f"{key}, and then")
    raise ValueError("after the fact")


@task(atomic=True, max_attempts=2, backoff=0, takes_context=True)
def record_at_second(context: Any, key: str) -> str:
    Effect.objects.create(key=f"{key} {context.attempt}")
    if context.attempt == 1:
        raise ValueError("not yet")
    return key


@task(atomic=True)
def record_and_return(key: str) -> Any:
    Effect.objects.create(key=key)
    return object()


@task(atomic=True)
def record_and_break() -> None:
    Effect.objects.create(key="before")
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM there_is_no_such_table")


@task(atomic=True)
def record_and_do(name: str) -> None:
    Effect.objects.create(key=name)
    deeds[name]()


@task
def cancelled() -> None:
    raise TaskCancelled


@task(max_attempts=3, backoff=0)
def cancelled_though_retried() -> None:
    raise TaskCancelled


@task(retention={"successful": 0})
def unkept(fails: bool = False) -> None:
    if fails:
        raise ValueError("kept")


@task(retention=timedelta(hours=2))
def kept_briefly(fails: bool = False) -> None:
    if fails:
        raise ValueError("kept as long")


@task(retention={"successful": None, "failed": None})
def kept_for_ever() -> None:
    pass


@task(takes_context=True, max_attempts=2, backoff=0)
def tell(context: Any) -> dict[str, Any]:
    before = dict(context.metadata)
    context.metadata["attempt"] = context.attempt
    context.save_metadata()
    context.progress(context.attempt, 4)
    if context.attempt == 1:
        raise ValueError("not yet")
    return before


@task(takes_context=True)
def tell_nonsense(context: Any) -> None:
    context.metadata["when"] = {1, 2}
    context.save_metadata()


@task(takes_context=True)
async def tell_from_coroutine(context: Any) -> None:
    context.metadata["loop"] = True
    await context.asave_metadata()
    context.progress(1)
    await asyncio.sleep(0)


@task
def log(message: str) -> None:
    logger.warning(message)


@task
async def log_from_coroutine(message: str) -> None:
    await asyncio.sleep(0)
    logger.warning(message)


@task
def huge(kind: str) -> Any:
    text = "x" * (6 * 1024 * 1024)
    if kind == "return":
        return text
    raise ValueError(text)


@task
def deep(depth: int = 0) -> None:
    deep.func(depth + 1)


class Unprintable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")

    __repr__ = __str__


class Wordless(Exception):
    def __str__(self) -> Any:
        return None  # noqa: PLE0307


class Surprising(Exception):
    """Its class cannot even be asked for its name."""

    def __str__(self) -> str:
        raise SystemExit("while it is printed")


class _Nameless(type):
    @property
    def __module__(cls) -> str:
        raise RuntimeError("no module")


class Nameless(Exception, metaclass=_Nameless):
    pass


class LongNamed(Exception):
    __qualname__ = "Long" * 200


def _with_cause() -> BaseException:
    error = ValueError("outer")
    error.__cause__ = Unprintable()
    return error


def _with_itself() -> BaseException:
    error = ValueError("the snake")
    error.__cause__ = error.__context__ = error
    return error


ODD: dict[str, Callable[[], BaseException]] = {
    "unprintable": Unprintable,
    "wordless": Wordless,
    "surprising": Surprising,
    "nameless": Nameless,
    "long named": LongNamed,
    "nul": lambda: ValueError("a\0b"),
    "surrogate": lambda: ValueError("a\ud800b"),
    "bytes": lambda: ValueError(b"\xff\x00"),
    "local class": lambda: type("Local\0", (Exception,), {})("made here"),
    "group": lambda: ExceptionGroup("many", [ValueError("one"), Unprintable()]),
    "cause": _with_cause,
    "circle": _with_itself,
}


@task
def raise_odd(kind: str) -> None:
    raise ODD[kind]()


@task
def notes() -> None:
    error = ValueError("noted")
    error.add_note("order 7")
    raise error
