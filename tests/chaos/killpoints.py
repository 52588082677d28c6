"""Deaths at named points of the protocols: before, inside and after a commit.

An order is a file with the name of a point and of a number. The first process that
passes the point so many times takes the order away, notes it, and kills itself.

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
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from . import journal

PROTOCOLS = ("claim", "finish", "enqueue", "promote", "tick", "rescue", "heartbeat")
MOMENTS = ("begin", "statement", "commit", "committing", "committed", "end")

_protocol: ContextVar[str] = ContextVar("protocol", default="")
_orders: Path
_chance = random.Random()


def install(orders: str) -> None:
    """Have this process obey the orders in a directory."""
    global _orders
    _orders = Path(orders)
    _wrap_protocols()
    _wrap_commit()
    _wrap_statements()


def order(directory: Path, point: str, passes: int) -> Path:
    """Order the death of the first process at this point, and return the order."""
    path = directory / point
    draft = directory / f".{point}"
    draft.write_text(str(passes))
    draft.rename(path)
    return path


def _pass(moment: str) -> None:
    if protocol := _protocol.get():
        point = f"{protocol}.{moment}"
        if _is_ordered(point):
            _die(point)


def _is_ordered(point: str) -> bool:
    path = _orders / point
    try:
        left = int(path.read_text())
    except (OSError, ValueError):
        return False
    if left > 1:
        # Two who do so at once count as one; that is no matter.
        order(_orders, point, left - 1)
        return False
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    return True


def _die(point: str) -> None:
    journal.note(_orders / "deaths.jsonl", "died", point=point)
    os.kill(os.getpid(), signal.SIGKILL)


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

    setattr(owner, method, wrapped)


def _wrap_protocols() -> None:
    from django.db import connection

    from django_bgtasks.periodic import tick
    from django_bgtasks.upkeep import presence, rescue
    from django_bgtasks.vendors import vendor_of

    vendor = type(vendor_of(connection))
    _wrap(vendor, "exchange", lambda self, swap, take: "finish" if swap else "claim")
    _wrap(vendor, "put", "enqueue")
    _wrap(vendor, "move", "promote")
    _wrap(tick, "_write", "tick")
    _wrap(rescue, "_rescue_batch", "rescue")
    _wrap(presence, "beat", "heartbeat")


def _wrap_commit() -> None:
    from django.db import connections

    kind = type(connections["default"])
    original = kind._commit

    def commit(self: Any) -> Any:
        _pass("commit")
        with _killed_within("committing"):
            answer = original(self)
        _pass("committed")
        return answer

    kind._commit = commit  # type: ignore[method-assign]


def _wrap_statements() -> None:
    """Pass the points around each statement, whichever way it takes.

    Not by an ``execute_wrapper``: where there is one, the short way is not taken.
    """
    from django.db.backends.utils import CursorWrapper

    by_cursor = CursorWrapper._execute

    def execute(self: Any, *args: Any) -> Any:
        with _statement(alone=self.db.autocommit):
            return by_cursor(self, *args)

    CursorWrapper._execute = execute
    try:
        from django_bgtasks.vendors.line import Line
    except ImportError:  # The driver is another.
        return
    by_wire = Line._run

    def run(self: Any, *args: Any) -> Any:
        with _statement(alone=self.raw.autocommit):
            return by_wire(self, *args)

    Line._run = run  # type: ignore[method-assign]


@contextmanager
def _statement(*, alone: bool) -> Iterator[None]:
    # Without a transaction, a statement is its own commit.
    if alone:
        _pass("commit")
        with _killed_within("committing"):
            yield
        _pass("committed")
    else:
        yield
    _pass("statement")


@contextmanager
def _killed_within(moment: str) -> Iterator[None]:
    """Die at some instant of what follows, or just after it."""
    protocol = _protocol.get()
    if not protocol or not _is_ordered(f"{protocol}.{moment}"):
        yield
        return
    delay = _chance.choice([0.0, 0.0002, 0.0005, 0.001, 0.003])
    threading.Timer(delay, _die, [f"{protocol}.{moment}"]).start()
    yield
    threading.Event().wait()
