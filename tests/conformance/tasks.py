"""Tasks by which the framework's promises are tried."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

# Third-party apps may use the backport although Django has the framework.
from django_tasks import task as backport_task

from django_bgtasks import exponential, task
from django_bgtasks.compat import CORE

if CORE:
    from django.tasks import task as plain_task
else:
    plain_task = backport_task

seen: list[Any] = []


@task
def noop() -> None:
    pass


@task
def echo(*args: Any, **kwargs: Any) -> Any:
    seen.append((args, kwargs))
    return [list(args), kwargs]


@task
def give_back(kind: str) -> Any:
    """Return a value that JSON knows in another form, or not at all."""
    return {
        "tuple": (1, (2, 3)),
        "bytes": b"text",
        "range": range(3),
        "set": {1, 2},
        "object": object(),
        "nan": float("nan"),
        "integer keys": {1: 2},
        "lone surrogate": "\ud800",
        "nul": "\0",
        "task": noop,
    }[kind]


class Unusual(BaseException):
    """An exception that is no Exception."""


ERRORS: dict[str, type[BaseException]] = {
    "ValueError": ValueError,
    "SystemExit": SystemExit,
    "GeneratorExit": GeneratorExit,
    "Unusual": Unusual,
    "KeyboardInterrupt": KeyboardInterrupt,
    "CancelledError": asyncio.CancelledError,
    "StopIteration": StopIteration,
    "RecursionError": RecursionError,
    "MemoryError": MemoryError,
}


@task
def fail(name: str = "ValueError", message: str = "as told") -> None:
    raise ERRORS[name](message)


@task
def fail_in_turn() -> None:
    try:
        raise KeyError("the cause")
    except KeyError as error:
        raise ValueError("the consequence") from error


@task(max_attempts=3, backoff=0)
def fail_thrice() -> None:
    raise ValueError("again")


@task(max_attempts=3, backoff=0, takes_context=True)
def fail_twice(context: Any) -> int:
    if context.attempt < 3:
        raise ValueError(f"attempt {context.attempt}")
    return context.attempt


@task(takes_context=True)
def tell_context(context: Any, number: int) -> dict[str, Any]:
    result = context.task_result
    return {
        "attempt": context.attempt,
        "id": result.id,
        "status": result.status,
        "args": result.args,
        "worker_ids": result.worker_ids,
        "started": result.started_at is not None,
        "finished": result.finished_at is not None,
        "path": result.task.module_path,
        "queue": result.task.queue_name,
        "priority": result.task.priority,
        "number": number,
    }


@task
def thread_name() -> str:
    return threading.current_thread().name


@task
async def coroutine(number: int) -> int:
    await asyncio.sleep(0)
    return number * 2


@task
async def failing_coroutine() -> None:
    await asyncio.sleep(0)
    raise ValueError("in the coroutine")


@task(takes_context=True)
async def coroutine_with_context(context: Any) -> int:
    await asyncio.sleep(0)
    return int(context.attempt)


@task(queue_name="mail", priority=7)
def mailed() -> None:
    pass


@plain_task
def plain(number: int) -> int:
    return number + 1


@plain_task(takes_context=True, queue_name="mail", priority=-3)
def plain_with_context(context: Any) -> int:
    return int(context.attempt)


@plain_task
async def plain_coroutine(number: int) -> int:
    return number + 1


@backport_task
def backported(number: int) -> int:
    return number + 2


@backport_task(takes_context=True)
def backported_with_context(context: Any) -> int:
    return int(context.attempt)


@task(
    priority=3,
    queue_name="mail",
    takes_context=True,
    max_attempts=4,
    backoff=exponential(5),
    timeout=30,
    expires=3600,
    atomic=True,
    retry_on=(OSError,),
    no_retry_on=(PermissionError,),
    retention={"successful": "1d"},
)
def with_every_option(context: Any, number: int) -> int:
    return number * int(context.attempt)
