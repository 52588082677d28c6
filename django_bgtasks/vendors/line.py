"""Statements by libpq itself, on a connection of psycopg.

Importing it fails where the driver is another, or has changed these parts.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from struct import unpack
from typing import Any

from psycopg import Connection, Pipeline, errors, pq
from psycopg.generators import execute, send
from psycopg.waiting import Wait

from .rows import Then
from .statement import Statement

logger = logging.getLogger("django_bgtasks.enqueue")

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
# Plain numbers, as libpq gives them: those of an enum are slow to compare.
_BINARY = int(pq.Format.BINARY)
_IDLE = int(pq.TransactionStatus.IDLE)
_IN_TRANSACTION = int(pq.TransactionStatus.INTRANS)
_LOST = int(pq.ConnStatus.BAD)
_SYNC = int(pq.ExecStatus.PIPELINE_SYNC)
_FAILED = int(pq.ExecStatus.FATAL_ERROR)
_DONE = {int(pq.ExecStatus.COMMAND_OK), int(pq.ExecStatus.TUPLES_OK)}


@dataclass(slots=True)
class Session:
    """What is known of a session of the server, however often it is lent."""

    # Whether nothing but Django and the driver is between here and the server.
    is_plain: bool
    # Whether nothing says that it is shared with others, or emptied meanwhile.
    may_prepare: bool
    # Whether the server's process is the one that was connected to: a pooler
    # that lends its sessions, for a transaction each, tells another number.
    is_direct: bool = False
    seen: set[bytes] = field(default_factory=set)
    prepared: set[bytes] = field(default_factory=set)


class Line:
    """Sends statements by a connection of the driver."""

    def __init__(self, raw: Any, session: Session) -> None:
        self.raw = raw
        self._pgconn = raw.pgconn
        self._session = session
        # Statements that were sent in the round trip under way.
        self._under_way = 0

    def is_free(self) -> bool:
        """Whether a statement may be sent now."""
        if self._under_way:
            return True
        if not self._session.is_plain or self._pgconn.pipeline_status:
            return False
        # Outside of autocommit it is the driver that begins a transaction.
        begun = _IDLE if self.raw.autocommit else _IN_TRANSACTION
        return bool(self._pgconn.transaction_status == begun)

    def run(
        self,
        statement: Statement,
        values: list[bytes | None],
        then: Then = None,
    ) -> datetime:
        """Execute a statement, and return its time. Raise the driver's errors.

        What ``then`` has to tell goes along, in a transaction that follows.
        """
        try:
            return self._run(statement, values, then)
        except errors.InvalidSqlStatementName:
            # Somebody deallocates what is prepared, so do without. A transaction
            # is spoilt by it, but the next one will not be.
            self._session.may_prepare = False
            self._session.prepared.clear()
            if self._pgconn.transaction_status != _IDLE:
                raise
            return self._run(statement, values, then)

    def answer(self, numbered: bytes, values: list[bytes | None]) -> Any:
        """Execute a text, and return the driver's result. Raise its errors."""
        with self.raw.lock:
            self._pgconn.send_query_params(numbered, values)
            return self._answered()

    def prepared_answer(self, statement: Statement, values: list[bytes | None]) -> Any:
        """The same, of a statement that is prepared now at the latest."""
        with self.raw.lock:
            if statement.name not in self._session.prepared:
                self._prepare_now(statement)
            self._pgconn.send_query_prepared(statement.name, values)
            return self._answered()

    def _answered(self) -> Any:
        answers = self.raw.wait(execute(self._pgconn))
        # An error may follow the answer: that of the commit.
        for each in reversed(answers):
            _check(each)
        return answers[0]

    def command(self, text: str) -> None:
        """Execute statements that return nothing. Raise the driver's errors."""
        with self.raw.lock:
            self._pgconn.send_query(text.encode())
            for answer in self.raw.wait(execute(self._pgconn)):
                _check(answer)

    def is_own(self) -> bool:
        """Whether what is prepared or set stays with this session, and only with it."""
        if not self._session.is_direct and self._session.may_prepare:
            with self.raw.lock:
                self._pgconn.send_query(b"SELECT pg_backend_pid()")
                pid = int(self._answered().get_value(0, 0))
            self._session.is_direct = pid == self._pgconn.backend_pid
        return self._session.is_direct and self._session.may_prepare

    def notify(self, channel: str, message: str) -> None:
        """Send a message: with the statement that is under way, or alone."""
        text = _notification(channel, message)
        if self._under_way:
            self._pgconn.send_query_params(text, None)
            self._pgconn.pipeline_sync()
            self._under_way += 1
            return
        with self.raw.lock:
            self._pgconn.send_query(text)
            _check(self.raw.wait(execute(self._pgconn))[-1])

    def _run(
        self,
        statement: Statement,
        values: list[bytes | None],
        then: Then,
    ) -> datetime:
        own: list[Any]
        others: list[Any] = []
        with self.raw.lock:
            self._prepare(statement)
            if then is None:
                self._send(statement, values)
                own = self.raw.wait(execute(self._pgconn))
            else:
                own, others = self._in_one_trip(statement, values, then)
        # An error may follow the answer: that of the commit.
        for each in reversed(own):
            _check(each)
        answer = own[0]
        for other in others:
            if other.status == _FAILED:
                reason = other.error_message.decode(errors="replace")
                logger.warning("The workers could not be told: %s", reason)
        if not self._session.is_direct:
            pid = unpack("!i", answer.get_value(0, 1))[0]
            self._session.is_direct = pid == self._pgconn.backend_pid
        microseconds = unpack("!q", answer.get_value(0, 0))[0]
        return _EPOCH + timedelta(microseconds=microseconds)

    def _prepare(self, statement: Statement) -> None:
        session, name = self._session, statement.name
        if name in session.prepared or not (session.may_prepare and session.is_direct):
            return
        if name not in session.seen:
            # Many a session serves a request, and with it one enqueue, only.
            session.seen.add(name)
            return
        self._prepare_now(statement)

    def _prepare_now(self, statement: Statement) -> None:
        self._pgconn.send_prepare(statement.name, statement.numbered)
        _check(self.raw.wait(execute(self._pgconn))[-1])
        self._session.prepared.add(statement.name)

    def _send(self, statement: Statement, values: list[bytes | None]) -> None:
        pgconn = self._pgconn
        if statement.name in self._session.prepared:
            pgconn.send_query_prepared(statement.name, values, None, _BINARY)
        else:
            pgconn.send_query_params(statement.numbered, values, None, None, _BINARY)

    def _in_one_trip(
        self,
        statement: Statement,
        values: list[bytes | None],
        then: Callable[[], None],
    ) -> tuple[list[Any], list[Any]]:
        self._pgconn.enter_pipeline_mode()
        try:
            self._send(statement, values)
            # It ends a transaction, as the one after each message does.
            self._pgconn.pipeline_sync()
            self._under_way = 1
            then()
            own, *others = self.raw.wait(_answers(self._pgconn, self._under_way))
            return own, [answer for each in others for answer in each]
        finally:
            self._under_way = 0
            try:
                self._pgconn.exit_pipeline_mode()
            except errors.Error:
                # It was broken off on the way, or is lost anyway.
                self.raw.close()


def _answers(pgconn: Any, syncs: int) -> Generator[Any, Any, list[list[Any]]]:
    """Receive the answers of a pipeline, by the transactions that ``syncs`` end.

    For the driver's own ``wait``. Raise OperationalError if the session ends before
    the first of them is known to be committed, or not.
    """
    found: list[list[Any]] = [[]]
    yield from send(pgconn)
    while True:
        while pgconn.is_busy():
            while not (yield Wait.R):
                pass
            try:
                pgconn.consume_input()
            except errors.OperationalError:
                if len(found) > 1 or _has_failed(found[0]):
                    return found  # What it was about has been said.
                raise
        answer = pgconn.get_result()
        if answer is not None and answer.status == _SYNC:
            if len(found) == syncs:
                return found
            found.append([])
        elif answer is not None:
            found[-1].append(answer)
        elif pgconn.status == _LOST:
            if len(found) > 1 or _has_failed(found[0]):
                return found
            raise errors.OperationalError("the connection is lost")


def _has_failed(answers: list[Any]) -> bool:
    return any(answer.status == _FAILED for answer in answers)


@lru_cache
def _notification(channel: str, message: str) -> bytes:
    channel, message = channel.replace('"', '""'), message.replace("'", "''")
    return f"NOTIFY \"{channel}\", '{message}'".encode()


def _check(answer: Any) -> None:
    if answer.status not in _DONE:
        raise errors.error_from_result(answer, encoding="utf-8")


def is_of_driver(raw: Any) -> bool:
    """Whether a connection is the driver's own, and can do all of this."""
    return type(raw) is Connection and Pipeline.is_supported()
