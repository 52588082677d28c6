"""What is seen of all queues at once: right, and read from the indexes alone."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from django_bgtasks.ids import uuid7
from django_bgtasks.models import DeferredJob, ReadyJob

from .conftest import START
from .test_plans import (
    CLAIM_INDEX,
    Explained,
    analyze,
    assert_walks_the_index,
    backlog,  # noqa: F401
    moments_from,
    rows_read,
)

HOUR = timedelta(hours=1)


def without_derived(lines):
    """Leave out what a statement makes itself, such as the first so many rows."""
    return [line for line in lines if not line.startswith('{"table_name": "<derived')]


def heads(rows):
    return sorted(rows.vendor.heads(rows.table(ReadyJob), CLAIM_INDEX))


def depths(rows, names, most=100):
    return rows.vendor.depths(rows.table(ReadyJob), CLAIM_INDEX, names, most)


def test_heads_are_the_first_of_each_queue_and_rank(rows):
    rows.ready(2, "mail", rank=-5, start=START + HOUR)
    rows.ready(2, "mail", rank=0, start=START)
    rows.ready(1, "Mail", rank=100, start=START + 2 * HOUR)
    rows.ready(1, "it's 100%", rank=-100, start=START)
    assert heads(rows) == [
        ("Mail", START + 2 * HOUR),
        ("it's 100%", START),
        ("mail", START),
        ("mail", START + HOUR),
    ]


def test_no_ready_job_has_no_head(rows):
    assert heads(rows) == []


def test_depth_of_a_queue_is_counted_up_to_a_bound(rows):
    rows.ready(5, "a")
    rows.ready(2, "it's 100%")
    found = depths(rows, ["a", "b", "it's 100%"], most=3)
    assert found == {"a": 4, "b": 0, "it's 100%": 2}


def test_depths_of_very_many_queues_are_few_statements(rows):
    rows.ready(2, "q7")
    rows.ready(1, "q249")
    names = [f"q{number}" for number in range(250)]
    with CaptureQueriesContext(connection) as queries:
        found = depths(rows, names)
    assert len(queries) == 3
    assert len(found) == 250
    assert {name: depth for name, depth in found.items() if depth} == {
        "q7": 2,
        "q249": 1,
    }


def test_no_queue_has_no_depth(rows):
    assert depths(rows, []) == {}


def test_first_deferred_jobs_are_counted_by_queue(rows):
    rows.deferred([START + HOUR * number for number in range(4)])
    table = rows.table(DeferredJob)
    assert rows.vendor.first_of_each(table, "run_after", 100) == [("q", 4, START)]
    assert rows.vendor.first_of_each(table, "run_after", 2) == [("q", 3, START)]


@pytest.mark.only_on("postgresql", "sqlite")
def test_heads_walk_the_claim_index(backlog):  # noqa: F811
    explained = Explained()
    with connection.execute_wrapper(explained):
        assert len(heads(backlog)) == 4 * 7
    # The values of a recursion are scanned: as many as there are of them.
    lines = [
        line
        for line in explained.of("readyjob", "MIN", "B-TREE")
        if not line.startswith(("SCAN q", "SCAN lane"))
    ]
    assert_walks_the_index(lines, CLAIM_INDEX)


@pytest.mark.only_on("mariadb", "mysql")
def test_heads_read_little_more_than_they_find(backlog):  # noqa: F811
    with rows_read() as count:
        assert len(heads(backlog)) == 4 * 7
        assert count() < 28 * 10


def test_depths_walk_the_claim_index(backlog):  # noqa: F811
    explained = Explained()
    with connection.execute_wrapper(explained):
        found = depths(backlog, ["q0", "q1", "q2", "q3", "q4"], most=50)
    assert found == {"q0": 51, "q1": 51, "q2": 51, "q3": 51, "q4": 0}
    lines = explained.of("readyjob", '"filesort"')
    assert_walks_the_index(without_derived(lines), CLAIM_INDEX)


def test_first_deferred_jobs_are_found_by_their_index(committed):
    moments = moments_from(committed, committed.vendor.now() + HOUR)
    columns = ("job_id", "queue_name", "rank", "attempt", "run_after")
    jobs = [(uuid7().hex, "q", 0, 1, moment) for moment in moments]
    committed.vendor.put([committed.insert(DeferredJob, columns, jobs)])
    analyze(DeferredJob)
    explained = Explained()
    with connection.execute_wrapper(explained):
        table = committed.table(DeferredJob)
        (found,) = committed.vendor.first_of_each(table, "run_after", 100)
    assert found[1] == 101
    lines = without_derived(explained.of("deferredjob"))
    # It is walked in its order, and the walk ends at the limit.
    lines = [line.replace("SCAN django", "WALK django") for line in lines]
    assert_walks_the_index(lines, "run_after")
