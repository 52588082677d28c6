"""Other threads with database connections of their own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from django.db import connection, connections

T = TypeVar("T")


class Elsewhere:
    """Another thread that does one thing after the other, on its own connection.

    What it begins in one call, such as a transaction, is still open in the next.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1)

    def start(self, work: Callable[[], T]) -> Future[T]:
        return self._thread.submit(work)

    def run(self, work: Callable[[], T], timeout: float = 60) -> T:
        return self.start(work).result(timeout)

    def begin(self) -> None:
        """Open a transaction."""
        self.run(lambda: connections["default"].set_autocommit(False))

    def commit(self) -> None:
        self.run(_commit)

    def rollback(self) -> None:
        self.run(_rollback)

    def close(self) -> None:
        self._thread.submit(connections.close_all)
        self._thread.shutdown()


def _commit() -> None:
    connections["default"].commit()
    connections["default"].set_autocommit(True)


def _rollback() -> None:
    connections["default"].rollback()
    connections["default"].set_autocommit(True)


@contextmanager
def elsewhere() -> Iterator[Elsewhere]:
    other = Elsewhere()
    try:
        yield other
    finally:
        other.close()


@contextmanager
def impatient() -> Iterator[None]:
    """Have this connection fail, after a second, rather than wait for a lock."""
    setting, soon, usual = "SESSION innodb_lock_wait_timeout", "1", "DEFAULT"
    if connection.vendor == "postgresql":
        setting, soon = "lock_timeout", "'1s'"
    with connection.cursor() as cursor:
        cursor.execute(f"SET {setting} = {soon}")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"SET {setting} = {usual}")


def at_once(works: Sequence[Callable[[], T]]) -> list[T]:
    """Do these things in threads that start together; return what each returned."""
    together = threading.Barrier(len(works))

    def do(work: Callable[[], T]) -> T:
        try:
            together.wait(60)
            return work()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(max_workers=len(works)) as threads:
        return [
            future.result(60) for future in [threads.submit(do, work) for work in works]
        ]
