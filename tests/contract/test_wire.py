"""The short way to PostgreSQL: taken where nobody minds, and right all the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import (
    IntegrityError,
    InterfaceError,
    OperationalError,
    connections,
    transaction,
)
from django.db.transaction import TransactionManagementError
from django.test.utils import CaptureQueriesContext

from django_bgtasks.ids import uuid7
from django_bgtasks.models import Job
from django_bgtasks.vendors import vendor_of

pytestmark = pytest.mark.only_on("postgresql")
CHANNEL = "django_bgtasks_test"


@pytest.fixture
def connection(committed: Any) -> Iterator[Any]:
    """This thread's connection, made anew, and once more after the test."""
    connection = connections["default"]
    connection.close()
    yield connection
    connection.close()


@pytest.fixture
def put(committed: Any, connection: Any) -> Callable[..., str]:
    def put(key: str | None = None, *, tell: str = "job", args: str = "[]") -> str:
        key = key or uuid7().hex
        vendor = vendor_of(connection)
        then = None
        if not connection.in_atomic_block:

            def then() -> None:
                vendor.notify(CHANNEL, tell)

        vendor.put([committed.bodies([key], args=args)], then)
        return key

    return put


def prepared(connection: Any) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT statement FROM pg_prepared_statements WHERE name LIKE 'bgtasks%'"
        )
        return [row[0] for row in cursor.fetchall()]


@contextmanager
def setting(connection: Any, **changes: Any) -> Iterator[None]:
    before = connection.settings_dict
    connection.settings_dict = {**before, **changes}
    try:
        yield
    finally:
        connection.settings_dict = before


def test_statement_is_prepared_once_it_is_used_again(connection, put):
    put()
    assert prepared(connection) == []
    put()
    put()
    (text,) = prepared(connection)
    assert text.startswith("INSERT INTO")
    assert Job.objects.count() == 3


@pytest.mark.parametrize(
    "changes",
    [
        {"DISABLE_SERVER_SIDE_CURSORS": True},
        {"OPTIONS": {"prepare_threshold": None}},
        {"OPTIONS": {"prepare_threshold": 5}},
    ],
)
def test_nothing_is_prepared_where_the_settings_speak_against_it(
    connection, put, changes
):
    with setting(connection, **changes):
        keys = [put() for _ in range(4)]
        assert prepared(connection) == []
        connection.close()
    assert Job.objects.filter(pk__in=keys).count() == 4


def test_nothing_is_prepared_in_sessions_that_are_lent(connection, put):
    """A pooler tells a client another process than the one that answers it."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA lent")
        try:
            cursor.execute(
                "CREATE FUNCTION lent.pg_backend_pid() RETURNS integer "
                "LANGUAGE sql AS 'SELECT -1'"
            )
            cursor.execute("SET search_path = lent, public, pg_catalog")
            keys = [put() for _ in range(4)]
            assert prepared(connection) == []
        finally:
            cursor.execute("DROP SCHEMA lent CASCADE")
    assert Job.objects.filter(pk__in=keys).count() == 4


@pytest.mark.parametrize("statement", ["DISCARD ALL", "DEALLOCATE ALL"])
def test_prepared_statement_that_somebody_deallocates_is_done_without(
    connection, put, statement
):
    keys = [put() for _ in range(3)]
    with connection.cursor() as cursor:
        cursor.execute(statement)
    keys += [put() for _ in range(3)]
    assert prepared(connection) == []
    assert Job.objects.filter(pk__in=keys).count() == 6


def test_statements_are_seen_by_those_who_look(connection, put):
    seen = []

    def look(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        seen.append(sql.split(maxsplit=1)[0])
        return execute(sql, params, many, context)

    put()
    with connection.execute_wrapper(look):
        put()
    assert seen == ["INSERT", "SELECT"]
    with CaptureQueriesContext(connection) as queries:
        put()
    assert [query["sql"].split()[0] for query in queries] == ["INSERT", "SELECT"]


def test_cursor_of_another_kind_is_used(connection, put, monkeypatch):
    seen = []
    kind = type(connection)
    usual = kind._cursor

    def watched(self: Any, name: str | None = None) -> Any:
        seen.append(name)
        return usual(self, name)

    monkeypatch.setattr(kind, "_cursor", watched)
    connection.close()
    put()
    assert len(seen) == 2


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


def test_errors_are_those_of_django_and_harm_nothing(connection, put):
    for _ in range(3):
        key = put()
        with pytest.raises(IntegrityError) as caught:
            put(key)
        assert caught.value.__cause__.sqlstate == "23505"
        put()
    assert Job.objects.count() == 6


def test_error_in_a_transaction_spoils_it_as_any_other(connection, put):
    taken, *_ = [put() for _ in range(3)]
    with transaction.atomic():
        put()
        with pytest.raises(IntegrityError), transaction.atomic():
            put(taken)
        put()
        with pytest.raises(IntegrityError):
            put(taken)
        connection.needs_rollback = True
        with pytest.raises(TransactionManagementError):
            put()
    assert Job.objects.count() == 3


def test_first_statement_of_a_transaction_is_part_of_it(connection, put):
    for _ in range(3):
        with transaction.atomic():
            put()
            put()
            transaction.set_rollback(True)
    assert Job.objects.count() == 0
    assert connection.get_autocommit()


def test_transaction_that_was_begun_by_hand_holds_the_rows(connection, put):
    with connection.cursor() as cursor:
        cursor.execute("BEGIN")
        put()
        cursor.execute("ROLLBACK")
    assert Job.objects.count() == 0


@pytest.mark.parametrize("at_first", [0, 3])
def test_session_that_was_ended_is_an_outage(connection, put, at_first):
    for _ in range(at_first):
        put()
    connection.ensure_connection()
    pid = connection.connection.info.backend_pid
    other = connections.create_connection("default")
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 10000)", [pid])
    finally:
        other.close()
    with pytest.raises((OperationalError, InterfaceError)):
        put()
    connection.close_if_unusable_or_obsolete()
    put()
    assert Job.objects.count() == at_first + 1


def test_pipeline_of_the_caller_is_left_alone(connection, put):
    put()
    with connection.connection.pipeline():
        key = put()
    assert Job.objects.filter(pk=key).exists()


def test_long_text_goes_through(connection, put):
    text = '["' + "é" * 4_000_000 + '"]'
    keys = [put(args=text) for _ in range(3)]
    assert [len(job.args[0]) for job in Job.objects.filter(pk__in=keys)] == [
        4_000_000
    ] * 3


def test_message_that_cannot_be_sent_costs_no_row(connection, put, caplog):
    key = put(tell="x" * 9_000)
    assert Job.objects.filter(pk=key).exists()
    assert "The workers could not be told: ERROR:  payload" in caplog.text
    put()


@pytest.fixture
def refused_commits(connection: Any) -> Iterator[None]:
    """The server finds only at the commit that it cannot be, as serialization does."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            "RAISE EXCEPTION 'not so' USING ERRCODE = '40001'; END $$"
        )
        cursor.execute(
            "CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON django_bgtasks_job "
            "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse()"
        )
    yield
    connection.close()
    with connection.cursor() as cursor:
        cursor.execute("DROP FUNCTION refuse() CASCADE")


@pytest.mark.parametrize("way", ["alone", "with a message", "many"])
def test_commit_that_is_refused_is_an_error_of_the_caller(
    connection, put, committed, refused_commits, way
):
    def put_alone() -> None:
        keys = [uuid7().hex for _ in range(2 if way == "many" else 1)]
        vendor_of(connection).put([committed.bodies(keys)])

    for _ in range(4):  # Prepared in the end.
        with pytest.raises(OperationalError, match="not so"):
            (put if way == "with a message" else put_alone)()
    assert Job.objects.count() == 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
