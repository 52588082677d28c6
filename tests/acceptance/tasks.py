"""Tasks that tests follow from outside: by the ledger, and by gates.

A gate is a path. The task waits until something exists there, so that a test
decides when it goes on.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.db import connection, transaction

from django_bgtasks import Retry, task
from tests.testapp.models import Effect
from tests.testapp.tasks import record

logger = logging.getLogger(__name__)

_NOTICES = {
    "keepalive": (socket.SOL_SOCKET, socket.SO_KEEPALIVE),
    "idle": (socket.IPPROTO_TCP, getattr(socket, "TCP_KEEPIDLE", 0)),
    "between": (socket.IPPROTO_TCP, getattr(socket, "TCP_KEEPINTVL", 0)),
    "questions": (socket.IPPROTO_TCP, getattr(socket, "TCP_KEEPCNT", 0)),
    "timeout": (socket.IPPROTO_TCP, getattr(socket, "TCP_USER_TIMEOUT", 0)),
}
# Nothing of a test takes so long; a task that nobody lets through ends by itself.
_PATIENCE = 300


def _note(key: str) -> None:
    Effect.objects.create(key=key)


def _wait(gate: str) -> None:
    _wait_until(lambda: os.path.exists(gate), f"the opening of {gate}")  # noqa: PTH110


def _wait_until(happens: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not happens():
        if time.monotonic() > deadline:
            raise RuntimeError(f"Waited in vain for {what}")
        time.sleep(0.005)


@task(max_attempts=10, backoff=0.05)
def work(key: str) -> str:
    _note(key)
    return key


@task(atomic=True, max_attempts=10, backoff=0.05)
def work_atomic(key: str) -> str:
    _note(key)
    return key


@task(atomic=True, max_attempts=10, backoff=0.05)
def work_and_pass_on(key: str) -> None:
    """An effect, and another job that makes one: both or neither."""
    _note(key)
    record.enqueue(f"{key}:passed on")


@task
def hold(key: str, gate: str) -> str:
    """Say that it began, wait at the gate, say that it ended."""
    _note(f"{key}:began")
    _wait(gate)
    _note(f"{key}:ended")
    return key


@task(takes_context=True)
def hold_until_told(context: Any, key: str, gate: str) -> str:
    """The same, but say before the gate that this worker knows it is to stop.

    Its supervisor knows, and says so, some time before.
    """
    _note(f"{key}:began")
    _wait_until(lambda: context.should_stop, "the worker to be told")
    _note(f"{key}:told")
    _wait(gate)
    _note(f"{key}:ended")
    return key


@task(atomic=True)
def hold_atomic(key: str, gate: str, begun: str) -> str:
    """The same in a transaction, so that only a file can say that it began."""
    _note(f"{key}:done")
    Path(begun).touch()
    _wait(gate)
    return key


@task
async def hold_async(key: str, gate: str) -> str:
    await Effect.objects.acreate(key=f"{key}:began")
    while not os.path.exists(gate):  # noqa: PTH110
        await asyncio.sleep(0.005)
    await Effect.objects.acreate(key=f"{key}:ended")
    return key


@task
async def gather_async(key: str, directory: str, number: int) -> str:
    """Wait until so many are here at once; each leaves a file while it is."""
    mine = Path(directory) / key
    mine.touch()
    while len(os.listdir(directory)) < number:  # noqa: PTH208
        await asyncio.sleep(0.02)
    return key


@task
async def write_async(key: str) -> int:
    effect = await Effect.objects.acreate(key=key)
    return int(effect.pk)


# -- time limits and cancellation -----------------------------------------------


@task(timeout=0.3)
def loop_over_time(key: str) -> None:
    """Python code that is interrupted, cleans up, and ends as it was told."""
    try:
        while True:
            time.sleep(0.001)
    except TimeoutError as error:
        _note(f"{key}:{type(error).__name__}")
        raise
    finally:
        _note(f"{key}:cleaned up")


@task(timeout=0.3, atomic=True)
def loop_over_time_atomic(key: str) -> None:
    _note(key)
    while True:
        time.sleep(0.001)


@task(timeout=0.2)
def end_at_its_limit(number: int) -> None:
    """End about when the interrupt comes: a little before, or a little after."""
    limit = time.monotonic() + 0.2 + (number % 12) * 0.012
    while time.monotonic() < limit:
        pass


@task
def hold_write_lock(key: str, gate: str) -> None:
    with transaction.atomic():
        _note(key)
        Path(gate).with_name("held").touch()
        _wait(gate)


@task(timeout=0.3)
def sleep_over_time(key: str) -> None:
    """A C call, which no exception interrupts."""
    _note(f"{key}:began")
    time.sleep(60)


@task(timeout=0.3, max_attempts=2, backoff=0)
def sleep_over_time_once(key: str) -> str:
    _note(key)
    if Effect.objects.filter(key=key).count() < 2:
        time.sleep(60)
    return key


@task(timeout=0.3)
def hold_interpreter(key: str) -> int:
    """One C call that lets no other thread run."""
    _note(f"{key}:began")
    return len(str(7 ** (10**8)) if key == "digits" else bin(3 ** (4 * 10**8)))


@task(timeout=0.3)
async def sleep_over_time_async(key: str) -> None:
    try:
        await asyncio.sleep(60)
    finally:
        await Effect.objects.acreate(key=f"{key}:cleaned up")


@task(timeout=0.3)
async def block_loop(key: str) -> None:
    await Effect.objects.acreate(key=f"{key}:began")
    time.sleep(60)


@task(max_attempts=5, backoff=0)
def loop_until_cancelled(key: str) -> None:
    _note(f"{key}:began")
    try:
        while True:
            time.sleep(0.001)
    except BaseException as error:
        _note(f"{key}:{type(error).__name__}")
        raise


@task(takes_context=True)
def loop_until_asked_to_stop(context: Any, key: str) -> str:
    _note(f"{key}:began")
    assert not context.should_stop
    try:
        while True:
            time.sleep(0.001)
    except BaseException as error:
        _note(f"{key}:{type(error).__name__}")
        return f"should_stop={context.should_stop}"


@task(takes_context=True)
def continue_elsewhere(context: Any, key: str) -> int:
    """Stop when the worker does, and go on in another one."""
    _note(f"{key}:attempt {context.attempt}")
    if context.attempt == 1:
        while not context.should_stop:
            time.sleep(0.001)
        raise Retry("to be continued", after=0)
    return int(context.attempt)


@task
def ignore_everything(key: str, gate: str) -> None:
    _note(f"{key}:began")
    while True:
        try:
            _wait(gate)
        except BaseException:
            logger.info("ignored")


@task(max_attempts=5, backoff=0)
def fail_when_cancelled(key: str) -> None:
    _note(f"{key}:began")
    try:
        while True:
            time.sleep(0.001)
    except BaseException as error:
        raise ValueError("something else") from error


@task
async def wait_until_cancelled(key: str) -> None:
    await Effect.objects.acreate(key=f"{key}:began")
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        await Effect.objects.acreate(key=f"{key}:cancelled")
        raise


# -- retries ---------------------------------------------------------------------


@task(max_attempts=3, backoff=0.2)
def fail_twice(key: str) -> int:
    _note(key)
    times = Effect.objects.filter(key=key).count()
    if times < 3:
        raise ValueError(f"time {times}")
    return times


@task(takes_context=True)
def ask_for_more(context: Any, key: str, after: float) -> int:
    """Raise Retry once, although the policy allows one attempt."""
    _note(key)
    if context.attempt == 1:
        raise Retry("once more", after=after)
    return int(context.attempt)


# -- telling ---------------------------------------------------------------------


@task(takes_context=True)
def tell(context: Any, gate: str) -> str:
    """Tell of itself before the gate, for somebody outside to see."""
    context.progress(3, 10)
    context.metadata["stage"] = "at the gate"
    context.save_metadata()
    _wait(gate)
    context.progress(10, 10)
    return "told"


@task(takes_context=True, atomic=True)
def tell_atomic(context: Any, gate: str) -> str:
    _note("told")
    return tell.func(context, gate)  # type: ignore[no-any-return]


@task(takes_context=True, retention=0)
def tell_and_be_forgotten(context: Any, key: str) -> None:
    context.progress(1, 1)
    _note(key)


@task(takes_context=True)
async def tell_async(context: Any, gate: str) -> str:
    context.progress(3, 10)
    context.metadata["stage"] = "at the gate"
    await context.asave_metadata()
    while not os.path.exists(gate):  # noqa: PTH110
        await asyncio.sleep(0.005)
    context.progress(10, 10)
    return "told"


@task
def log_something(text: str) -> None:
    logger.info("said: %s", text)


@task
async def log_something_async(text: str) -> None:
    await asyncio.sleep(0)
    logger.info("said: %s", text)


@task(sensitive=("secret",))
def keep_secret(secret: str) -> str:
    logger.info("I was told %s", secret)
    return secret


@task
def enqueue_another() -> None:
    record.enqueue("another")


@task
async def enqueue_another_async() -> None:
    await record.aenqueue("another")


@task
def tell_process(key: str) -> int:
    _note(key)
    return os.getpid()


_hoard: list[bytearray] = []


@task
def hoard(key: str, megabytes: int) -> int:
    """Keep memory for good."""
    _hoard.append(bytearray(megabytes * 1024 * 1024))
    return tell_process.func(key)  # type: ignore[no-any-return]


@task(queue_name="mail")
def work_in_mail(key: str) -> str:
    return record.func(key)


@task(queue_name="slow")
def work_in_slow(key: str) -> str:
    return record.func(key)


@task(atomic=True)
def commit_and_stumble(key: str) -> None:
    _note(key)

    def stumble() -> None:
        raise ValueError("too late")

    transaction.on_commit(stumble)


@task(atomic=True, takes_context=True)
def tell_atomic_and_end(context: Any, key: str) -> None:
    _note(key)
    context.metadata["stage"] = "inside"
    context.save_metadata()


@task
def tell_lines(port: int) -> list[dict[str, int]]:
    """Of each connection of this process to a port: how it notices that it is lost."""
    connection.ensure_connection()
    found = []
    for descriptor in map(int, os.listdir("/proc/self/fd")):  # noqa: PTH208
        with suppress(OSError), socket.socket(fileno=os.dup(descriptor)) as line:
            if line.family == socket.AF_INET and line.getpeername()[1] == port:
                found.append(
                    {
                        name: line.getsockopt(level, option)
                        for name, (level, option) in _NOTICES.items()
                    }
                )
    return found
