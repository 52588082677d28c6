"""Signals at named points of the protocols: before, inside and after a commit.

An order is a file with the name of a point, which holds a number and a signal. The
first process that passes the point so many times takes the order away, notes it, and
sends itself the signal: SIGKILL, or one that it has to heed in the midst of things.

Nothing here closes a way that the product takes: neither wrappers of a connection's
statements nor its methods are touched, as the short ways would not be taken then.

A point is ``<protocol>.<moment>``, with a protocol of ``PROTOCOLS`` and a moment:
``begin``; ``statement``, after any of its statements; ``commit``, with nothing sent
yet; ``committing``, while the server is at it; ``committed``, before anybody has heard
of it; ``end``.
"""

from __future__ import annotations

import os
import random
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from . import journal

PROTOCOLS = ("claim", "finish", "enqueue", "promote", "tick", "rescue", "heartbeat")
MOMENTS = ("begin", "statement", "commit", "committing", "committed", "end")
# What needs no commit, outside of a transaction.
_READS = ("SELECT", "BEGIN", "START", "SET", "SHOW", "PRAGMA", "SAVEPOINT", "RELEASE")

Patch = Callable[[Any, str, Any], None]

_protocol: ContextVar[str] = ContextVar("protocol", default="")
_orders: Path
_patch: Patch
_chance = random.Random()


def install(orders: str, patch: Patch = setattr) -> None:
    """Have this process obey the orders in a directory."""
    global _orders, _patch
    _orders, _patch = Path(orders), patch
    _wrap_protocols()
    _wrap_commit()
    _wrap_statements()


def order(
    directory: Path, point: str, passes: int, number: int = signal.SIGKILL
) -> Path:
    """Order a signal to the first process at this point, and return the order."""
    path = directory / point
    draft = directory / f".{point} {os.getpid()} {threading.get_ident()}"
    draft.write_text(f"{passes} {number:d}")
    draft.rename(path)
    return path


def _pass(moment: str) -> None:
    if protocol := _protocol.get():
        point = f"{protocol}.{moment}"
        if number := ordered(point):
            _send(point, number)


def ordered(point: str) -> int:
    """Return the signal that whoever passes this point now is to get; 0 for none."""
    path = _orders / point
    try:
        left, number = map(int, path.read_text().split())
    except (OSError, ValueError):
        return 0
    if left > 1:
        # Two who do so at once count as one; that is no matter.
        order(_orders, point, left - 1, number)
        return 0
    try:
        path.unlink()
    except FileNotFoundError:
        return 0
    return number


def _send(point: str, number: int) -> None:
    journal.note(_orders / "struck.jsonl", "struck", point=point, signal=number)
    os.kill(os.getpid(), number)


@contextmanager
def _in_protocol(name: str) -> Iterator[None]:
    token = _protocol.set(_protocol.get() or name)
    try:
        _pass("begin")
        yield
        _pass("end")
    finally:
        _protocol.reset(token)


def _wrap(owner: Any, method: str, name: Callable[..., str] | str) -> None:
    original = getattr(owner, method)

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        with _in_protocol(name if isinstance(name, str) else name(*args, **kwargs)):
            return original(*args, **kwargs)

    _patch(owner, method, wrapped)


def _wrap_protocols() -> None:
    from django_bgtasks.lifecycle import enqueue, run
    from django_bgtasks.periodic import tick
    from django_bgtasks.upkeep import presence, promote, rescue

    # Each with the commit that belongs to it.
    _wrap(run, "_exchange", lambda vendor, owner, outcomes, *_: _kind(outcomes))
    _wrap(enqueue, "_put_and_wake", "enqueue")
    _wrap(promote, "promote", "promote")
    _wrap(tick, "_write", "tick")
    _wrap(rescue, "_rescue_batch", "rescue")
    _wrap(presence, "beat", "heartbeat")
    finish_with_body = run._finish_with_body

    def finish(*args: Any) -> None:
        # Its commit follows, in the context of this attempt.
        _protocol.set("finish")
        _pass("begin")
        finish_with_body(*args)

    _patch(run, "_finish_with_body", finish)


def _kind(outcomes: Any) -> str:
    return "finish" if outcomes else "claim"


def _wrap_commit() -> None:
    from django.db.backends.base import base

    original = base.debug_transaction

    @contextmanager
    def debug_transaction(connection: Any, sql: str) -> Iterator[None]:
        with ExitStack() as stack:
            if sql == "COMMIT":
                stack.enter_context(_commit())
            stack.enter_context(original(connection, sql))
            yield

    _patch(base, "debug_transaction", debug_transaction)


def _wrap_statements() -> None:
    from django.db.backends.utils import CursorWrapper

    def writes(self: Any, sql: str) -> bool:
        return self.db.autocommit and not sql.lstrip("( ").startswith(_READS)

    for name in ("_execute", "_executemany"):
        _wrap_statement(CursorWrapper, name, writes)
    # As far as the drivers are here.
    from django_bgtasks.vendors import sqlite

    _wrap_statement(sqlite.SQLite, "_put_one", lambda *_: True)
    try:
        from django_bgtasks.vendors.line import Line
    except ImportError:
        return
    for name in ("_run", "answer", "prepared_answer"):
        _wrap_statement(Line, name, lambda self, _: self.raw.autocommit)


def _wrap_statement(
    owner: Any, method: str, commits: Callable[[Any, Any], bool]
) -> None:
    """Pass the points around a statement; outside of a transaction it is a commit."""
    original = getattr(owner, method)

    def wrapped(self: Any, *args: Any, **kwargs: Any) -> Any:
        with ExitStack() as stack:
            if commits(self, args[0]):
                stack.enter_context(_commit())
            answer = original(self, *args, **kwargs)
        _pass("statement")
        return answer

    _patch(owner, method, wrapped)


@contextmanager
def _commit() -> Iterator[None]:
    _pass("commit")
    with _struck_within("committing"):
        yield
    _pass("committed")


@contextmanager
def _struck_within(moment: str) -> Iterator[None]:
    """Get the signal at some instant of what follows, or just after it."""
    protocol = _protocol.get()
    number = ordered(f"{protocol}.{moment}") if protocol else 0
    if not number:
        yield
        return
    delay = _chance.choice([0.0, 0.0002, 0.0005, 0.001, 0.003])
    threading.Timer(delay, _send, [f"{protocol}.{moment}", number]).start()
    yield
    if number == signal.SIGKILL:
        threading.Event().wait()
