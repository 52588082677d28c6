"""Tasks that do what no task should."""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import sys
import threading
import time
from typing import Any

from django.db import connection, transaction

from django_bgtasks import task
from django_bgtasks.models import Job, RunningJob
from tests.chaos import evil
from tests.testapp.models import Effect

# -- that end the process -----------------------------------------------------


@task
def kill_process(key: str) -> None:
    Effect.objects.create(key=key)
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)


@task
def fault_segment() -> None:
    ctypes.string_at(0)


@task
def exit_at_once() -> None:
    os._exit(0)


@task
def exit_politely() -> None:
    sys.exit("this job has had enough")


@task
def interrupt() -> None:
    raise KeyboardInterrupt


@task
async def interrupt_async() -> None:
    await asyncio.sleep(0)
    raise KeyboardInterrupt


@task
async def exit_politely_async() -> None:
    await asyncio.sleep(0)
    sys.exit("this job has had enough")


# -- that spoil what the next task finds ----------------------------------------


@task
def close_connection() -> None:
    connection.close()


@task
def break_connection() -> None:
    """Close the driver's connection behind Django's back."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    connection.connection.close()


@task
def leave_transaction_open(key: str) -> None:
    transaction.atomic().__enter__()
    Effect.objects.create(key=key)


@task
def leave_autocommit_off(key: str) -> None:
    transaction.set_autocommit(False)
    Effect.objects.create(key=key)


@task(atomic=True)
def close_connection_atomic(key: str) -> None:
    Effect.objects.create(key=key)
    connection.close()


@task(atomic=True)
def swallow_database_error(key: str) -> None:
    """Go on in a transaction that is broken."""
    Effect.objects.create(key=key)
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT nothing FROM nowhere")
    except Exception:
        return


@task
def change_signal_handlers() -> None:
    """Python lets the main thread do it, and no other."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


@task
def ignore_signals() -> None:
    evil.ignore(signal.SIGTERM, signal.SIGINT)


@task
def leave_thread() -> None:
    threading.Thread(target=time.sleep, args=(600,)).start()


# -- whose end is hard to write down ----------------------------------------------


class Unprintable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words for it")

    __repr__ = __str__


class Fundamental(BaseException):
    pass


class WithOddMembers(Exception):
    def __init__(self) -> None:
        super().__init__(threading.Lock(), "\0 and \ud800")


@task
def raise_unprintable() -> None:
    raise Unprintable


@task
def raise_fundamental() -> None:
    raise Fundamental("of the lowest kind")


@task
def raise_odd_members() -> None:
    raise WithOddMembers


@task
def raise_at_length() -> None:
    raise ValueError("long " * 1_000_000)


@task
def print_binary() -> None:
    sys.stdout.buffer.write(bytes(range(256)))
    sys.stdout.flush()
    sys.stderr.write("\ud800 \0 \x1b[31m\n")


@task
def return_no_json() -> Any:
    return object()


@task
def return_nul() -> str:
    return "\0"


@task
def return_surrogate() -> str:
    return "\ud800"


@task
def return_itself() -> list[Any]:
    endless: list[Any] = []
    endless.append(endless)
    return endless


@task
def return_too_much() -> str:
    return "x" * 5_000_000


@task
def recurse() -> None:
    recurse.func()


@task(takes_context=True)
def delete_own_rows(context: Any) -> None:
    RunningJob.objects.filter(pk=context.task_result.id).delete()
    Job.objects.filter(pk=context.task_result.id).delete()


@task(takes_context=True)
def delete_own_body(context: Any) -> None:
    Job.objects.filter(pk=context.task_result.id).delete()


@task(takes_context=True)
def report_nonsense(context: Any, what: str) -> None:
    context.progress(float(what), 1)


@task(takes_context=True)
def save_nonsense(context: Any) -> None:
    context.metadata["object"] = object()
    context.save_metadata()


@task(takes_context=True)
def spoil_result(context: Any) -> None:
    """Change what the worker will read when the task has ended."""
    context.task_result.errors.clear()
    context.task_result.worker_ids.clear()
    object.__setattr__(context.task_result, "id", "nonsense")


@task(takes_context=True)
def spoil_metadata(context: Any) -> None:
    context.metadata["object"] = object()
