"""Claims that PostgreSQL has planned once: right for whatever the tables hold later."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import InterfaceError, OperationalError, connections, transaction
from django.db.backends.postgresql.base import DatabaseWrapper

from django_bgtasks.models import ReadyJob, RunningJob
from django_bgtasks.vendors import Lane
from tests.contract.conftest import OWNER, START, Rows
from tests.contract.test_plans import (
    analyze,
    assert_finishes_by_key,
    exchanged,
    hold_snapshot,
)
from tests.contract.test_wire import prepared, setting

pytestmark = pytest.mark.only_on("postgresql")
PLENTY = 20_000


@pytest.fixture
def connection(committed: Any) -> Iterator[Any]:
    """This thread's connection, made anew, and once more after the test."""
    connection = connections["default"]
    connection.close()
    yield connection
    connection.close()


@pytest.fixture
def claims(committed: Rows, connection: Any) -> Rows:
    committed.vendor.prepare_claims()
    committed.order()
    return committed


def takes(connection: Any) -> list[str]:
    return [text for text in prepared(connection) if text.startswith("WITH picked")]


def test_take_is_prepared_at_once_and_used_again(claims, connection):
    (key,) = claims.ready()
    assert claims.take(limit=10) == [key]
    for number in range(3):
        keys = claims.ready(2, queue=f"q{number}")
        assert claims.take(Lane(f"q{number}"), limit=5 + number) == keys
    assert len(takes(connection)) == 1
    assert RunningJob.objects.filter(process_id=OWNER).count() == 7


def test_rows_are_those_that_a_cursor_reads(claims, connection):
    claims.ready(3)
    fast = claims.taken()
    with claims.vendor.atomic():
        RunningJob.objects.all().delete()
        for row in fast.rows:
            ReadyJob.objects.create(
                job_id=row[0],
                attempt=row[1],
                queue_name=row[2],
                rank=row[3],
                ready_at=row[4],
            )
        slow = claims.taken()
    assert len(takes(connection)) == 1
    assert sorted(fast.rows) == sorted(slow.rows)
    assert [list(map(type, row)) for row in fast.rows] == [
        list(map(type, row)) for row in slow.rows
    ]
    assert timedelta(0) <= slow.now - fast.now < timedelta(seconds=60)
    assert fast.now.tzinfo is UTC


@pytest.mark.parametrize("looked_at", [False, True])
@pytest.mark.parametrize(
    "changes",
    [
        {"DISABLE_SERVER_SIDE_CURSORS": True},
        {"OPTIONS": {"prepare_threshold": 5}},
        {"OPTIONS": {"prepare_threshold": 0, "server_side_binding": True}},
        {"OPTIONS": {"pool": {"min_size": 1, "max_size": 2}}},
    ],
)
def test_nothing_is_prepared_or_set_where_others_may_get_the_session(
    committed, connection, changes, looked_at
):
    keys = committed.ready(2)
    connection.close()
    with setting(connection, **{"OPTIONS": {}, **changes}):
        with connection.execute_wrapper(look) if looked_at else nullcontext():
            committed.vendor.prepare_claims()
        assert committed.take() == keys
        assert takes(connection) == []
        assert plain(connection)
        connection.close()
        connection.close_pool()


@pytest.mark.parametrize("looked_at", [False, True])
def test_nothing_is_prepared_or_set_in_sessions_that_a_backend_pools(
    committed, connection, looked_at, monkeypatch
):
    def close(self: Any) -> None:
        DatabaseWrapper.close(self)

    pooling = type("Pooling", (DatabaseWrapper,), {"close": close})
    monkeypatch.setattr(connection, "__class__", pooling)
    with connection.execute_wrapper(look) if looked_at else nullcontext():
        committed.vendor.prepare_claims()
    assert committed.take() == []
    assert takes(connection) == []
    assert plain(connection)


def look(execute: Any, *args: Any) -> Any:
    return execute(*args)


def plain(connection: Any) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SHOW enable_seqscan")
        return bool(cursor.fetchone()[0] == "on")


def test_nothing_is_prepared_or_set_in_sessions_that_are_lent(committed, connection):
    """A pooler tells a client another process than the one that answers it."""
    keys = committed.ready(2)
    with connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA lent")
        try:
            cursor.execute(
                "CREATE FUNCTION lent.pg_backend_pid() RETURNS integer "
                "LANGUAGE sql AS 'SELECT -1'"
            )
            cursor.execute("SET search_path = lent, public, pg_catalog")
            committed.vendor.prepare_claims()
            assert committed.take() == keys
            assert takes(connection) == []
            assert plain(connection)
        finally:
            cursor.execute("DROP SCHEMA lent CASCADE")


def test_connections_of_others_are_planned_for_as_before(committed, connection):
    committed.vendor.prepare_worker()
    keys = committed.ready(2)
    assert committed.take() == keys
    assert takes(connection) == []
    assert plain(connection)


@pytest.mark.parametrize("statement", ["DISCARD ALL", "DEALLOCATE ALL"])
def test_take_that_somebody_deallocates_is_done_without(claims, connection, statement):
    first, second, third = claims.ready(3)
    assert claims.take(limit=1) == [first]
    with connection.cursor() as cursor:
        cursor.execute(statement)
    assert claims.take(limit=1) == [second]
    assert claims.take(limit=1) == [third]
    assert takes(connection) == []


def test_column_that_gets_another_type_is_no_outage(claims, connection):
    first, second, third = claims.ready(3)
    assert claims.take(limit=1) == [first]
    with connection.cursor() as cursor:
        cursor.execute(
            "ALTER TABLE django_bgtasks_job ALTER task_path TYPE varchar(300)"
        )
        assert claims.take(limit=1) == [second]
        cursor.execute("ALTER TABLE django_bgtasks_job ALTER task_path TYPE text")
        try:
            assert claims.take(limit=1) == [third]
        finally:
            cursor.execute(
                "ALTER TABLE django_bgtasks_job ALTER task_path TYPE varchar(255)"
            )


def test_take_in_a_transaction_is_part_of_it(claims, connection):
    (key,) = claims.ready()
    with transaction.atomic():
        assert claims.take() == [key]
        transaction.set_rollback(True)
    assert claims.take() == [key]


def test_names_that_make_another_statement_are_taken_as_well(claims):
    odd = claims.ready(queue="a\x1fb")
    empty = claims.ready(queue="")
    assert claims.take(Lane("a\x1fb")) == odd
    assert claims.take(Lane("")) == empty


def test_floors_and_ceilings_are_minded(claims):
    keys = claims.ready(5)
    at = [START + timedelta(seconds=number) for number in range(5)]
    assert claims.take(Lane("q", 0, at[0], ceiling=at[2])) == keys[1:3]
    assert claims.take(Lane("q", 0, at[3], last=32_767)) == keys[4:]
    assert claims.take(Lane("q", last=-1), Lane("q", 0, None)) == [keys[0], keys[3]]


@pytest.mark.parametrize("planned", [True, False])
def test_commit_that_is_refused_is_an_error_of_django_and_moves_nothing(
    committed, connection, planned
):
    """The server finds only at the commit that it cannot be, as serialization does."""
    (waiting,), (running,) = committed.ready(), committed.running()
    if planned:
        committed.vendor.prepare_claims()
    orders = [(None, committed.order()), (committed.finish([running]), None)]
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            "RAISE EXCEPTION 'not so' USING ERRCODE = '40001'; END $$"
        )
        cursor.execute(
            "CREATE CONSTRAINT TRIGGER refuse AFTER INSERT OR DELETE "
            "ON django_bgtasks_runningjob DEFERRABLE INITIALLY DEFERRED "
            "FOR EACH ROW EXECUTE FUNCTION refuse()"
        )
        try:
            for order in orders:
                with pytest.raises(OperationalError, match="not so"):
                    committed.vendor.exchange(*order)
        finally:
            cursor.execute("DROP FUNCTION refuse() CASCADE")
    assert committed.take() == [waiting]
    assert committed.swap(committed.finish([running])) == {running}


def test_session_that_was_ended_is_an_outage(claims, connection):
    claims.take()
    keys, order = claims.ready(2), claims.order()
    pid = connection.connection.info.backend_pid
    other = connections.create_connection("default")
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 10000)", [pid])
    finally:
        other.close()
    with pytest.raises((OperationalError, InterfaceError)):
        claims.vendor.exchange(None, order)
    connection.close_if_unusable_or_obsolete()
    assert claims.take(limit=1) == keys[:1]
    assert takes(connection) == []
    claims.vendor.prepare_claims()
    assert claims.take() == keys[1:]
    assert len(takes(connection)) == 1


def test_plan_made_beside_empty_tables_walks_the_index_of_full_ones(claims, connection):
    """No statistics are gathered, as none may be for a minute."""
    with connection.cursor() as cursor:
        for table in ("job", "readyjob", "runningjob"):
            cursor.execute(f"TRUNCATE django_bgtasks_{table} CASCADE")
            cursor.execute(
                f"ALTER TABLE django_bgtasks_{table} SET (autovacuum_enabled = off)"
            )
            cursor.execute(f"VACUUM ANALYZE django_bgtasks_{table}")
        try:
            assert claims.take() == []
            fill(cursor)
            plan = executed(cursor, limit=50)
        finally:
            for table in ("job", "readyjob", "runningjob"):
                cursor.execute(
                    f"ALTER TABLE django_bgtasks_{table} RESET (autovacuum_enabled)"
                )
                cursor.execute(f"TRUNCATE django_bgtasks_{table} CASCADE")
    tables = [node for node in nodes(plan) if "job" in node.get("Relation Name", "")]
    kinds = {node["Node Type"] for node in tables}
    assert kinds <= {"Index Scan", "Index Only Scan", "Tid Scan", "ModifyTable"}, kinds
    walked = [
        node["Actual Rows"] * node["Actual Loops"]
        for node in tables
        if node["Node Type"].startswith("Index")
    ]
    # Of the lane, and of the bodies.
    assert walked == [50, 50]


def test_finishes_of_the_session_compare_no_row_with_each_other(claims, connection):
    keys = claims.running(500)
    claims.take()
    plan = exchanged(claims, claims.finish(keys), claims.order())
    compared = [node.get("Rows Removed by Join Filter", 0) for node in nodes(plan)]
    assert sum(compared) == 0


@pytest.mark.parametrize("alive", [2, 20])
def test_session_whose_statements_are_looked_at_goes_along_indexes_as_well(
    committed, connection, other, alive
):
    """A table of many pages with few rows in it would be read as a whole."""
    keys = committed.running(PLENTY)
    with connection.execute_wrapper(look):
        committed.vendor.prepare_claims()
    other.begin()
    other.run(hold_snapshot)
    gone = replace(committed.finish(keys), inserts=[])
    committed.swap(gone)
    committed.running(alive)
    analyze(RunningJob)
    rows = [(key, 1) for key in committed.running(20)]
    plan = exchanged(committed, replace(gone, rows=rows), None)
    other.rollback()
    assert takes(connection) == []
    assert_finishes_by_key(plan, 20)


def fill(cursor: Any) -> None:
    cursor.execute(
        "WITH keys AS (SELECT gen_random_uuid() AS key, n "
        "FROM generate_series(1, %s) n), "
        "bodies AS (INSERT INTO django_bgtasks_job "
        "(id, task_path, backend, queue_name, priority, args, kwargs, enqueued_at) "
        "SELECT key, 'a.b', 'default', 'q', 0, '[]', '{}', now() FROM keys) "
        "INSERT INTO django_bgtasks_readyjob "
        "(job_id, queue_name, rank, ready_at, attempt) "
        "SELECT key, 'q', 0, %s + n * interval '1 ms', 1 FROM keys",
        [PLENTY, START],
    )


def executed(cursor: Any, limit: int) -> Any:
    """Have the prepared take carried out, and return its plan with its figures."""
    cursor.execute(
        "SELECT name FROM pg_prepared_statements WHERE statement LIKE 'WITH picked%'"
    )
    (name,) = cursor.fetchone()
    far = datetime(9999, 1, 1, tzinfo=UTC).isoformat()
    values = ["q", "{-32769}", f"{{{datetime(1970, 1, 1, tzinfo=UTC).isoformat()}}}"]
    values += ["{32767}", f"{{{far}}}", limit, OWNER, limit, OWNER]
    holders = ", ".join(["%s"] * len(values))
    cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE {name} ({holders})", values)
    return cursor.fetchone()[0][0]["Plan"]


def nodes(plan: Any) -> Iterator[Any]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from nodes(part)
