"""What the server gives to plain psycopg, to set the other figures against."""

from __future__ import annotations

import time
from typing import Any

from django.db import connection

from ..figures import Figure, calls
from ..subjects import Subject
from .base import Part, Plan

_INSERTS = 2_000
_BATCH = 100
_BATCHES = 200
_TABLES = """
DROP TABLE IF EXISTS limit_body, limit_ready, limit_running, limit_finished;
CREATE TABLE limit_body (id bigint PRIMARY KEY, path text, args text);
CREATE TABLE limit_ready (id bigint PRIMARY KEY, queue text, ready_at timestamptz);
CREATE INDEX ON limit_ready (queue, ready_at, id);
CREATE TABLE limit_running (id bigint PRIMARY KEY, claimed_at timestamptz);
CREATE TABLE limit_finished (id bigint PRIMARY KEY, value text, ended timestamptz);
"""
_INSERT = "INSERT INTO limit_body VALUES (%s, 'package.module.task', '[[1], {}]')"
_FILL = """
INSERT INTO limit_ready SELECT n, 'default', now() FROM generate_series(1, %s) n
"""
_CLAIM = f"""
WITH taken AS (
    DELETE FROM limit_ready WHERE id = ANY(ARRAY(
        SELECT id FROM limit_ready WHERE queue = 'default' ORDER BY ready_at, id
        LIMIT {_BATCH} FOR UPDATE SKIP LOCKED
    )) RETURNING id
)
INSERT INTO limit_running SELECT id, now() FROM taken RETURNING id
"""
_FINISH = """
WITH gone AS (DELETE FROM limit_running WHERE id = ANY(%s) RETURNING id)
INSERT INTO limit_finished SELECT id, 'null', now() FROM gone
"""


def _limits(subject: Subject, plan: Plan) -> list[Figure]:
    with _plain_connection() as plain:
        plain.execute(_TABLES)
        seconds = []
        for number in range(_INSERTS):
            before = time.perf_counter()
            plain.execute(_INSERT, [number])
            seconds.append(time.perf_counter() - before)
        plain.execute(_FILL, [_BATCH * _BATCHES])
        before = time.perf_counter()
        for _ in range(_BATCHES):
            claimed = [row[0] for row in plain.execute(_CLAIM).fetchall()]
            plain.execute(_FINISH, [claimed])
        elapsed = time.perf_counter() - before
    rate = Figure(
        f"limit: claim and finish by {_BATCH}", _BATCH * _BATCHES / elapsed, "/s"
    )
    return [*calls("limit: insert one", seconds), rate]


def _plain_connection() -> Any:
    import psycopg

    params = connection.get_connection_params()
    # These are Django's own ways with the driver.
    for name in ("context", "cursor_factory", "prepare_threshold"):
        params.pop(name, None)
    return psycopg.connect(**params, autocommit=True)


PARTS = (
    Part(
        "limits",
        "plain psycopg, prepared statements, one client: a row inserted and "
        f"committed; {_BATCH} rows claimed and finished in two commits",
        _limits,
        frozenset({"postgresql"}),
    ),
)
