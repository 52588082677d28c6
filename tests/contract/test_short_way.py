"""The short way to SQLite: taken where nobody minds, and right all the same."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.exceptions import SynchronousOnlyOperation
from django.db import IntegrityError, OperationalError, connections, transaction
from django.db.transaction import TransactionManagementError
from django.test.utils import CaptureQueriesContext

from django_bgtasks.ids import uuid7
from django_bgtasks.models import Job, ReadyJob
from django_bgtasks.vendors import vendor_of
from tests.elsewhere import Elsewhere

pytestmark = pytest.mark.only_on("sqlite")
WORDS = ["BEGIN", "INSERT", "INSERT", "COMMIT"]


@pytest.fixture
def connection(committed: Any) -> Iterator[Any]:
    """This thread's connection, with the vendor made anew."""
    connection = connections["default"]
    connection.ensure_connection()
    forget(connection)
    yield connection
    forget(connection)


def forget(connection: Any) -> None:
    """Have the vendor look again at what the connection is made of."""
    vars(connection).pop("_bgtasks_vendor", None)


@pytest.fixture
def put(committed: Any, connection: Any) -> Callable[..., str]:
    def put(key: str | None = None, state: str | None = None) -> str:
        key = key or uuid7().hex
        columns = ("job_id", "queue_name", "rank", "attempt")
        rows = [(state or key, "q", 0, 1)]
        ready = committed.insert(ReadyJob, columns, rows, ("ready_at",))
        vendor_of(connection).put([committed.bodies([key]), ready])
        return key

    return put


@pytest.fixture
def sent(connection: Any) -> Iterator[list[str]]:
    """The first words of the statements that reach SQLite."""
    found: list[str] = []
    connection.connection.set_trace_callback(
        lambda text: found.append(text.split(maxsplit=1)[0])
    )
    yield found
    connection.connection.set_trace_callback(None)


@pytest.fixture
def cursors(connection: Any, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A note of each cursor that Django makes."""
    made: list[str] = []
    usual = connection.create_cursor

    def create_cursor(name: str | None = None) -> Any:
        made.append("cursor")
        return usual(name)

    monkeypatch.setattr(connection, "create_cursor", create_cursor)
    return made


def test_rows_are_put_in_one_transaction_without_a_cursor(put, sent, cursors):
    key = put()
    assert sent == WORDS
    assert cursors == []
    assert Job.objects.get().enqueued_at == ReadyJob.objects.get(pk=key).ready_at


def test_transaction_begins_as_the_settings_say(connection, put, monkeypatch):
    begun = []
    connection.connection.set_trace_callback(begun.append)
    for mode in ("IMMEDIATE", None):
        monkeypatch.setattr(connection, "transaction_mode", mode)
        put()
    connection.connection.set_trace_callback(None)
    assert [each.strip() for each in begun if each.startswith("BEGIN")] == [
        "BEGIN IMMEDIATE",
        "BEGIN",
    ]


def test_statements_are_seen_by_those_who_look(connection, put):
    seen = []

    def look(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        seen.append(sql.split(maxsplit=1)[0])
        return execute(sql, params, many, context)

    with connection.execute_wrapper(look):
        put()
    assert seen.count("INSERT") == 2
    with CaptureQueriesContext(connection) as queries:
        put()
    assert sum("INSERT" in query["sql"] for query in queries) == 2


@pytest.mark.parametrize("name", ["_cursor", "_start_transaction_under_autocommit"])
def test_backend_with_ways_of_its_own_is_left_its_ways(
    connection, put, monkeypatch, name
):
    seen = []
    kind = type(connection)
    usual = getattr(kind, name)

    def watched(self: Any, *args: Any) -> Any:
        seen.append(name)
        return usual(self, *args)

    monkeypatch.setattr(kind, name, watched)
    put()
    assert seen


def test_cursor_that_was_replaced_on_the_connection_is_used(
    connection, put, monkeypatch
):
    put()

    def refuse() -> None:
        raise LookupError("no database here")

    with monkeypatch.context() as changed:
        changed.setattr(connection, "cursor", refuse)
        with pytest.raises(LookupError):
            put()
    put()


def test_all_rows_or_none_and_the_errors_of_django(connection, put):
    taken = put()
    with pytest.raises(IntegrityError):
        put(state=taken)
    assert not connection.connection.in_transaction
    put()
    assert Job.objects.count() == ReadyJob.objects.count() == 2


def test_rows_of_a_transaction_go_with_it(connection, put):
    with transaction.atomic():
        put()
        transaction.set_rollback(True)
    assert Job.objects.count() == 0
    taken = put()
    with transaction.atomic():
        with pytest.raises(IntegrityError):
            put(taken)
        with pytest.raises(TransactionManagementError):
            put()
    assert Job.objects.count() == 1


def test_transaction_without_autocommit_is_left_open(connection, put):
    connection.set_autocommit(False)
    try:
        put()
        connection.rollback()
    finally:
        connection.set_autocommit(True)
    assert Job.objects.count() == 0


def test_writer_elsewhere_is_waited_for(connection, put, other: Elsewhere):
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout")
        usual = cursor.fetchone()[0]
        cursor.execute("PRAGMA busy_timeout = 1")
    other.begin()
    other.run(lambda: Job.objects.filter(pk=uuid7()).delete())
    try:
        with pytest.raises(OperationalError, match="locked"):
            put()
    finally:
        other.rollback()
        connection.connection.execute(f"PRAGMA busy_timeout = {usual}")
    put()
    assert Job.objects.count() == 1


def test_event_loop_is_not_held_up(connection, put):
    async def call() -> None:
        put()

    with pytest.raises(SynchronousOnlyOperation):
        asyncio.run(call())
    assert Job.objects.count() == 0
