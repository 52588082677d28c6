"""Actors: threads that do real work on connections of their own, step by step."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any

from django.db import OperationalError, connection, connections

from .steps import NOTHING, WRITER, Step, statement

GO, KILL, CUT, CUT_AFTER = "go", "kill", "cut", "cut after"


class Killed(BaseException):
    """The process of this actor is gone, with its connection and its transaction."""


class Ended:
    """What became of an actor's work: a value, or what it raised."""

    def __init__(self, value: Any = None, error: BaseException | None = None) -> None:
        self.value = value
        self.error = error

    @property
    def killed(self) -> bool:
        return isinstance(self.error, Killed)

    def __repr__(self) -> str:
        return "killed" if self.killed else repr(self.error or self.value)


class Actor:
    """A thread that stops before each statement that touches a table.

    It does one work after the other, to spare the connects.
    """

    def __init__(self) -> None:
        self._works: SimpleQueue[Callable[[], Any] | None] = SimpleQueue()
        self._orders: SimpleQueue[str] = SimpleQueue()
        self._news: SimpleQueue[Step | Ended] = SimpleQueue()
        self._thread = threading.Thread(target=self._live, daemon=True)
        self._thread.start()
        self._gone = False
        self.touched = NOTHING
        self.session: Any = None

    # Called by the conductor.

    def begin(self, work: Callable[[], Any]) -> None:
        self._works.put(work)

    def order(self, what: str) -> None:
        self._orders.put(what)

    def news(self, timeout: float) -> Step | Ended | None:
        """Return the next step, or the end; None if neither has come in time."""
        try:
            return self._news.get(timeout=timeout)
        except Empty:
            return None

    def dismiss(self) -> None:
        self._works.put(None)
        self._thread.join(30)

    # Called in the thread.

    def _live(self) -> None:
        while (work := self._works.get()) is not None:
            self._news.put(self._do(work))
        connections.close_all()

    def _do(self, work: Callable[[], Any]) -> Ended:
        self._gone, self.touched = False, NOTHING
        try:
            self._prepare()
            with connection.execute_wrapper(self._execute):
                return Ended(work())
        except BaseException as error:
            return Ended(error=error)
        finally:
            self._tidy()

    def _prepare(self) -> None:
        """Have commits and rollbacks be steps; on SQLite, know who writes."""
        if connection.connection is not None and "_commit" in vars(
            connections["default"]
        ):
            return
        connection.ensure_connection()
        self.session = _session()
        real = connections["default"]
        commit, rollback = type(real)._commit, type(real)._rollback
        real._commit = lambda: self._end("COMMIT", lambda: commit(real))
        real._rollback = lambda: self._end("ROLLBACK", lambda: rollback(real))

    def _tidy(self) -> None:
        if connection.in_atomic_block or not connection.get_autocommit():
            connection.close()
        connection.run_on_commit = []

    def _execute(
        self, execute: Any, sql: str, params: Any, many: bool, context: Any
    ) -> Any:
        if self._gone:
            raise Killed
        step = self._step(sql)
        if step is None:
            return execute(sql, params, many, context)
        return self._perform(step, lambda: execute(sql, params, many, context))

    def _step(self, sql: str) -> Step | None:
        within = connection.in_atomic_block
        if connection.vendor != "sqlite":
            return statement(sql, in_transaction=within)
        if sql.startswith("BEGIN"):
            return Step(sql, writes=frozenset({WRITER}))
        step = statement(sql, in_transaction=within)
        if step is None:
            return None
        if within:
            # Nobody else writes, and nobody sees it.
            self.touched |= step.writes
            return None
        if step.writes:
            step = step._replace(
                writes=step.writes | {WRITER}, shows=step.shows | {WRITER}
            )
        return step

    def _end(self, text: str, do: Callable[[], Any]) -> Any:
        if self._gone or not self.touched:
            self.touched = NOTHING
            return do()
        return self._perform(Step(text, shows=self.touched), do)

    def _perform(self, step: Step, do: Callable[[], Any]) -> Any:
        self._news.put(step)
        order = self._orders.get()
        if order in (KILL, CUT):
            self._lose(killed=order == KILL)
        if step.shows:
            self.touched = NOTHING
        else:
            self.touched |= step.writes
        try:
            return do()
        finally:
            if order == CUT_AFTER:
                self.touched = NOTHING
                raise OperationalError("The connection was cut after the statement.")

    def _lose(self, *, killed: bool) -> None:
        """Have the server forget the transaction, as it does when a session ends."""
        self.touched = NOTHING
        connection.connection.rollback()
        if killed:
            self._gone = True
            raise Killed
        raise OperationalError("The connection was cut before the statement.")


def _session() -> Any:
    """Return by which number the server knows this connection."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            # Superusers only; without it deadlocks merely take longer to be found.
            cursor.execute("SET deadlock_timeout = '50ms'")
        return connection.connection.info.backend_pid
    if connection.vendor == "mysql":
        return connection.connection.thread_id()
    return None
