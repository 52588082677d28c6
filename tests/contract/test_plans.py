"""The cost of a claim grows neither with the backlog nor with the history."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import Model

from django_bgtasks.ids import uuid7
from django_bgtasks.models import DeferredJob, FinishedJob, ReadyJob, RunningJob
from django_bgtasks.upkeep.prune import prune
from django_bgtasks.vendors import Lane, Swap, Take

from .conftest import START, Rows

CLAIM_INDEX = "bgtasks_ready_claim"
COUNT = 20_000


class Explained:
    """Asks, before each statement, how the database means to carry it out."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._asking = False

    def __call__(self, execute, sql, params, many, context):
        if not self._asking and sql.lstrip().startswith(("SELECT", "WITH", "DELETE")):
            self._asking = True
            self.lines += _explain(sql, params)
            self._asking = False
        return execute(sql, params, many, context)

    def of(self, *words: str) -> list[str]:
        """The lines in which one of these words occurs, of all statements."""
        return [line for line in self.lines if any(word in line for word in words)]


def _explain(sql: str, params: Any) -> list[str]:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f"EXPLAIN {sql}", params)
            return [row[0].strip() for row in cursor.fetchall()]
        if connection.vendor == "sqlite":
            cursor.execute(f"EXPLAIN QUERY PLAN {sql}", params)
            return [row[3] for row in cursor.fetchall()]
        cursor.execute(f"EXPLAIN FORMAT=JSON {sql}", params)
        plan = json.loads(cursor.fetchone()[0])
        return [json.dumps(table) for table in _tables(plan)]


def _tables(plan: Any) -> list[Any]:
    """The accesses to tables in a plan of MariaDB or MySQL."""
    if isinstance(plan, list):
        return [table for each in plan for table in _tables(each)]
    if not isinstance(plan, dict):
        return []
    found = [{"filesort": True}] if "filesort" in plan else []
    if "table_name" in plan:
        found.append(plan)
    return found + [table for each in plan.values() for table in _tables(each)]


@pytest.fixture(params=["analyzed", "never analyzed"])
def backlog(committed: Rows, request: pytest.FixtureRequest) -> Rows:
    """Four queues with many jobs of several ranks, and the statistics of that."""
    moments = moments_from(committed, START)
    jobs = [
        (uuid7().hex, f"q{number % 4}", number % 7 - 3, moment, 1)
        for number, moment in enumerate(moments)
    ]
    columns = ("job_id", "queue_name", "rank", "ready_at", "attempt")
    committed.vendor.put([committed.insert(ReadyJob, columns, jobs)])
    if request.param == "analyzed":
        analyze(ReadyJob)
    return committed


def moments_from(rows: Rows, start: datetime) -> list[Any]:
    return [
        rows.vendor.to_database(start + timedelta(seconds=number))
        for number in range(COUNT)
    ]


def analyze(model: type[Model]) -> None:
    word = "ANALYZE TABLE" if connection.vendor == "mysql" else "ANALYZE"
    with connection.cursor() as cursor:
        cursor.execute(f"{word} {connection.ops.quote_name(model._meta.db_table)}")


def assert_walks_the_index(lines: list[str], index: str) -> None:
    assert any(index in line for line in lines), lines
    for line in lines:
        assert "Seq Scan" not in line, lines
        assert "TEMP B-TREE" not in line, lines
        assert not line.startswith("SCAN"), lines
        assert '"access_type": "ALL"' not in line, lines
        assert "filesort" not in line, lines


LANES = [
    [Lane("q0")],
    [Lane("q0"), Lane("q1"), Lane("q2"), Lane("q3")],
    [Lane("q0", -3, START + timedelta(seconds=900))],
    [Lane("q0", -3, START), Lane("q1", 0, START), Lane("q1", 3, None)],
    [Lane("q0", -3, START, last=3)],
    [Lane("q0", last=-2)],
    # Of a queue of its own, as there are not so many.
    [Lane("q3", -3, START, ceiling=START + timedelta(seconds=9_000))],
]


def test_claim_walks_its_index(backlog):
    """One backlog for all, since it takes longer to make than to claim from."""
    for lanes in LANES:
        explained = Explained()
        with connection.execute_wrapper(explained):
            taken = backlog.taken(*lanes, limit=50)
        assert len(taken.rows) == 50, lanes
        lines = explained.of("readyjob", "filesort", "B-TREE")
        assert_walks_the_index(lines, CLAIM_INDEX)


class Stop(Exception):
    """Carries a statement instead of having it executed."""


def carried_out(rows: Rows, *lanes: Lane, **options: Any) -> Any:
    """Have PostgreSQL carry out a claim, and return the plan with its figures."""
    return exchanged(rows, None, rows.order(*lanes, **options))


def exchanged(rows: Rows, swap: Swap | None, take: Take | None) -> Any:
    """Have PostgreSQL carry out an exchange, undo it, and return the plan."""

    def stop(execute, sql, params, many, context):
        raise Stop(sql, params)

    with connection.execute_wrapper(stop), pytest.raises(Stop) as stopped:
        rows.vendor.exchange(swap, take)
    sql, params = stopped.value.args
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}", params)
        (plan,) = cursor.fetchone()[0]
        transaction.set_rollback(True)
    return plan["Plan"]


@pytest.mark.only_on("postgresql")
def test_claim_touches_no_more_rows_than_it_takes(backlog):
    for lanes in ([Lane("q0"), Lane("q1")], [Lane("q0", 0, START)]):
        plan = carried_out(backlog, *lanes, limit=50)
        walked = [
            node["Actual Rows"] * node["Actual Loops"]
            + node.get("Rows Removed by Filter", 0)
            for node in _nodes(plan)
            if node.get("Index Name") == CLAIM_INDEX
        ]
        assert 50 <= sum(walked) <= 51, lanes


@pytest.mark.only_on("postgresql")
def test_entries_before_a_floor_are_not_walked_while_a_snapshot_keeps_them(
    committed, other
):
    committed.ready(COUNT)
    other.begin()
    other.run(hold_snapshot)
    committed.take(limit=COUNT)
    (key,) = committed.ready(start=START + timedelta(days=1))
    behind = Lane("q", 0, START + timedelta(seconds=COUNT), last=32_767)
    whole, part = (carried_out(committed, lane) for lane in (Lane("q"), behind))
    other.rollback()
    assert part["Shared Hit Blocks"] < 200 < whole["Shared Hit Blocks"]
    assert committed.take(behind) == [key]


@pytest.mark.only_on("postgresql")
def test_a_portion_is_walked_no_further_than_to_its_ceiling(committed, other):
    committed.ready(COUNT)
    other.begin()
    other.run(hold_snapshot)
    committed.take(limit=COUNT)
    late = START + timedelta(seconds=COUNT)
    floors = [START, START + timedelta(seconds=COUNT // 2), late]
    lanes = [
        Lane("q", 0, floor, ceiling=floor + timedelta(seconds=10)) for floor in floors
    ]
    read = [carried_out(committed, lane)["Shared Hit Blocks"] for lane in lanes]
    other.rollback()
    assert max(read) < 50


@pytest.mark.only_on("postgresql")
def test_many_queues_make_a_claim_no_more_complicated_than_one(committed):
    lanes = [
        lane
        for number in range(100)
        for lane in (
            Lane(f"q{number}", last=0),
            Lane(f"q{number}", 1, START, last=1),
            Lane(f"q{number}", 2, START, last=9),
        )
    ]
    patrol = [Lane("q0", 1, START, ceiling=START), Lane("q1", 1, START, ceiling=START)]
    few, many = (
        len(_nodes(carried_out(committed, *patrol, *some)))
        for some in (lanes[:3], lanes)
    )
    assert few == many


@pytest.mark.only_on("postgresql")
@pytest.mark.parametrize("attempts", [(1,), (1, 2, 3)])
def test_finish_walks_no_rows_that_are_gone_while_a_snapshot_keeps_them(
    committed, other, attempts
):
    keys = committed.running(COUNT)
    other.begin()
    other.run(hold_snapshot)
    committed.swap(replace(committed.finish(keys), inserts=[]))
    # What autovacuum comes to know: a table of many pages, with nothing in it.
    analyze(RunningJob)
    rows = [(key, each) for each in attempts for key in committed.running(5, each)]
    order = replace(committed.finish([]), rows=rows, inserts=[])
    plan = exchanged(committed, order, None)
    other.rollback()
    assert_finishes_by_key(plan, len(rows))


def assert_finishes_by_key(plan: Any, count: int) -> None:
    deleted, found = _finish_of(plan)
    assert deleted["Actual Rows"] == count
    # A bitmap's is checked once more.
    assert "job_id" in found.get("Index Cond", found.get("Recheck Cond", "")), found


def _finish_of(plan: Any) -> tuple[Any, Any]:
    """The delete in RunningJob, and how it finds its rows."""
    table = RunningJob._meta.db_table
    of_table = [node for node in _nodes(plan) if node.get("Relation Name") == table]
    (deleted,) = (node for node in of_table if node["Node Type"] == "ModifyTable")
    (found,) = (node for node in of_table if node["Node Type"] != "ModifyTable")
    return deleted, found


def hold_snapshot() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        cursor.execute("SELECT 1")


@contextmanager
def rows_read() -> Iterator[Callable[[], int]]:
    """Count how many entries of tables and indexes are read meanwhile."""

    def count() -> int:
        with connection.cursor() as cursor:
            cursor.execute("SHOW SESSION STATUS LIKE 'Handler_read_%'")
            return sum(int(value) for _, value in cursor.fetchall())

    with connection.cursor() as cursor:
        cursor.execute("FLUSH STATUS")
    yield count


@pytest.mark.only_on("mariadb", "mysql")
def test_claim_reads_little_more_than_it_takes(backlog):
    # Of queues of their own: rows that were just deleted are read again.
    for lanes in ([Lane("q0"), Lane("q1")], [Lane("q2", 0, START)]):
        with rows_read() as count:
            assert len(backlog.taken(*lanes, limit=50).rows) == 50
            assert count() < 500


@pytest.mark.only_on("mariadb", "mysql")
def test_listing_the_queues_reads_an_entry_of_each(backlog):
    with rows_read() as count:
        listed = backlog.vendor.queues(backlog.table(ReadyJob))
        assert count() < 50
    assert listed == ["q0", "q1", "q2", "q3"]


def _nodes(plan: Any) -> list[Any]:
    return [plan] + [node for each in plan.get("Plans", []) for node in _nodes(each)]


@pytest.mark.only_on("postgresql", "sqlite")
def test_listing_the_queues_walks_the_index(backlog):
    explained = Explained()
    with connection.execute_wrapper(explained):
        listed = backlog.vendor.queues(backlog.table(ReadyJob))
    assert listed == ["q0", "q1", "q2", "q3"]
    assert_walks_the_index(explained.of("MIN", "readyjob"), CLAIM_INDEX)


def test_looking_for_due_jobs_walks_its_index(committed):
    moments = moments_from(committed, committed.vendor.now() + timedelta(hours=1))
    columns = ("job_id", "queue_name", "rank", "attempt", "run_after")
    jobs = [(uuid7().hex, "q", 0, 1, moment) for moment in moments]
    committed.vendor.put([committed.insert(DeferredJob, columns, jobs)])
    analyze(DeferredJob)
    explained = Explained()
    with connection.execute_wrapper(explained):
        assert committed.move(limit=100) == 0
    assert_walks_the_index(explained.of("deferredjob", "filesort"), "run_after")


def test_looking_for_what_to_prune_walks_its_index(committed):
    moments = moments_from(committed, START)
    columns = ("job_id", "outcome", "attempt", "worker", "finished_at", "keep_until")
    jobs = [(uuid7().hex, "succeeded", 1, "", moment, moment) for moment in moments]
    committed.vendor.put([committed.insert(FinishedJob, columns, jobs)])
    analyze(FinishedJob)
    explained = Explained()
    with connection.execute_wrapper(explained):
        assert prune(connection, limit=100, until=START) == 1
    assert_walks_the_index(explained.of("finishedjob", "filesort"), "keep_until")


def _pages_read(work: Any) -> int:
    """Return how many pages PostgreSQL reads for the queries of ``work``."""
    asked = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        asked.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        work()
    pages = 0
    for sql, params in asked:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}", params)
            found = cursor.fetchone()[0]
        plan = (json.loads(found) if isinstance(found, str) else found)[0]["Plan"]
        pages += plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
    return pages


@pytest.mark.only_on("postgresql")
def test_known_queues_are_not_walked_for_others_while_a_snapshot_is_held(
    committed, other
):
    other.begin()
    other.run(hold_snapshot)
    for name in ("busy", "idle", "zeal"):
        moments = moments_from(committed, START)
        rows = [(uuid7().hex, name, 0, 1, at) for at in moments]
        columns = ("job_id", "queue_name", "rank", "attempt", "ready_at")
        committed.vendor.put([committed.insert(ReadyJob, columns, rows)])
    ReadyJob.objects.filter(queue_name__in=["busy", "zeal"])._raw_delete("default")
    table, vendor = committed.table(ReadyJob), committed.vendor
    walked = _pages_read(lambda: vendor.queues(table))
    seen = _pages_read(lambda: vendor.queues(table, ["zeal", "busy"]))
    assert vendor.queues(table) == vendor.queues(table, ["zeal", "busy"]) == ["idle"]
    assert vendor.queues(table, ["idle", "a"]) == []
    assert seen < walked / 5
    other.rollback()
