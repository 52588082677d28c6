"""PostgreSQL: one statement for what takes the others several."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db.backends.postgresql import psycopg_any
from django.db.utils import OperationalError

from .arrays import array
from .base import Vendor
from .encoded_stencil import EncodedStencil
from .fast_moments import read_moments_fast
from .findings import WRONG_DRIVER, Finding
from .insert_sql import CLOCK, insert_many, insert_one
from .listener import Listener
from .queues_sql import queues_between
from .rows import LONG_AGO, Insert, Move, Row, Swap, Table, Take, Taken, Then
from .statement import Statement, encoded, statement
from .stencil import Stencil
from .take_sql import HEX, readable, take_sql
from .watcher import Watcher
from .wire import Wire


class PostgreSQL(Vendor):
    clock = "clock_timestamp()"
    lock_rows = " FOR UPDATE"
    skip_locked = " FOR UPDATE SKIP LOCKED"
    keeps_old_entries = True
    chunk = 5_000
    fold = 1
    limit_silence = "SET LOCAL idle_in_transaction_session_timeout = '10s'"

    def __init__(self, connection: Any) -> None:
        super().__init__(connection)
        self._wire = Wire(connection)
        # By the tables and columns that they fill.
        self._statements: dict[Any, Statement] = {}

    def forget_pooled(self) -> None:
        # Older pools cannot let go.
        if drain := getattr(self.connection.pool, "drain", None):
            drain()

    def put(self, inserts: Sequence[Insert], then: Then = None) -> datetime:
        if all(len(insert.rows) == 1 for insert in inserts):
            return self._put_one(inserts, then)
        now = self._put_all(inserts)
        if then is not None:
            then()
        return now

    def _put_all(self, inserts: Sequence[Insert]) -> datetime:
        longest = max(len(insert.rows) for insert in inserts)
        if longest <= self.chunk:
            return self._put_many(inserts, CLOCK)
        with self.atomic():
            now = self.now()
            for start in range(0, longest, self.chunk):
                part = slice(start, start + self.chunk)
                some = [replace(each, rows=each.rows[part]) for each in inserts]
                self._put_many([each for each in some if each.rows], now)
        return now

    def _put_one(self, inserts: Sequence[Insert], then: Then) -> datetime:
        ordered = self._statement(inserts)
        row = [item for insert in inserts for item in insert.rows[0]]
        if (values := encoded(row)) is not None:
            now = self.put_encoded(ordered, values, then)
            if now is not None:
                return now
        with self.connection.cursor() as cursor:
            cursor.execute(ordered.text, row)
            now = self.moment(cursor.fetchone()[0])
        if then is not None:
            then()
        return now

    def _statement(self, inserts: Sequence[Insert]) -> Statement:
        kind = tuple((each.table.name, each.columns, each.clock) for each in inserts)
        found = self._statements.get(kind)
        if found is None:
            found = self._statements[kind] = statement(insert_one(inserts))
        return found

    def stencil(self, inserts: Sequence[Insert]) -> Stencil:
        return EncodedStencil(self, inserts)

    def put_encoded(
        self, ordered: Statement, values: list[bytes | None], then: Then
    ) -> datetime | None:
        """Put by the short way, or return None where it cannot be taken."""
        line = self._wire.line()
        if line is None:
            return None
        with self.connection.wrap_database_errors:
            return line.run(ordered, values, then)

    def _put_many(self, inserts: Sequence[Insert], now: str | datetime) -> datetime:
        params: list[Any] = []
        ctes = [
            f"put_{number} AS ({insert_many(insert, params, now=now)})"
            for number, insert in enumerate(inserts)
        ]
        [row] = self._rows(f"WITH {', '.join(ctes)} SELECT {CLOCK}", params)
        return self.moment(row[0])

    def exchange(
        self, swap: Swap | None, take: Take | None
    ) -> tuple[set[str], Taken | None]:
        ctes: list[str] = []
        params: list[Any] = []
        answers = []
        if swap:
            nothing = ", NULL" * (len(take.read) + 4 if take else 0)
            answers.append(f"{_swap(swap, ctes, params)}{nothing}")
        if take:
            alone = not swap and not self.connection.in_atomic_block
            answers.append(take_sql(take, ctes, params, alone=alone))
        text = f"WITH {', '.join(ctes)} {' UNION ALL '.join(answers)}"
        clock = time.monotonic()
        rows = self._rows(text, params, planned=not swap)
        gone: set[str] = set()
        if swap:
            # The first row is of what is gone: only what is not all is named.
            answer, *rows = rows
            left = answer[1]
            keys = (key for key, _ in swap.rows) if left is None else left.split()
            gone.update(keys)
        if take is None:
            return gone, None
        if not rows:
            return gone, Taken(LONG_AGO, [])
        now, moment = self.moment(rows[0][0]), self.moment
        found = [(*row[1:5], moment(row[5]), *row[6:]) for row in rows]
        return gone, Taken(now, found, clock)

    def _rows(
        self, text: str, params: list[Any], *, planned: bool = False
    ) -> list[Row]:
        rows = self._wire.fetch(text, params, planned=planned)
        if rows is None:
            with self.connection.cursor() as cursor:
                read_moments_fast(getattr(cursor, "cursor", None))
                cursor.execute(text, params)
                rows = cursor.fetchall()
        return rows

    def prepare_claims(self) -> None:
        self._wire.plan_takes()

    def move(self, move: Move) -> int:
        columns = ", ".join(move.columns)
        with self.connection.cursor() as cursor:
            cursor.execute(
                f"WITH due AS MATERIALIZED ("
                f"SELECT {move.source.key} AS key FROM {move.source.name} "
                f"WHERE {move.due} <= {CLOCK} "
                f"ORDER BY {move.due} LIMIT %s FOR UPDATE SKIP LOCKED"
                f"), gone AS (DELETE FROM {move.source.name} "
                f"WHERE {move.source.key} = ANY(ARRAY(SELECT key FROM due)) "
                f"RETURNING {move.source.key}, {columns}) "
                f"INSERT INTO {move.target.name} "
                f"({move.target.key}, {columns}, {move.stamp}) "
                f"SELECT gone.*, {CLOCK} FROM gone",
                [move.limit],
            )
            return int(cursor.rowcount)

    def queues(self, source: Table, known: Sequence[str] = ()) -> list[str]:
        if not known:
            return super().queues(source)
        with self.connection.cursor() as cursor:
            cursor.execute(queues_between(source), [list(known)])
            return [row[0] for row in cursor.fetchall()]

    def asks_again(self, error: OperationalError) -> bool:
        # Serialization failure; deadlock.
        return getattr(error.__cause__, "sqlstate", None) in ("40001", "40P01")

    def notify(self, channel: str, message: str) -> None:
        line = self._wire.line()
        if line is not None:
            with self.connection.wrap_database_errors:
                line.notify(channel, message)
            return
        with self.connection.cursor() as cursor:
            cursor.execute("SELECT pg_notify(%s, %s)", [channel, message])

    def watch(self, channel: str, listen: bool | str) -> Watcher:
        return Listener(self.connection, channel, listen) if listen else Watcher()

    def readable(self, column: str, *, null: bool = False) -> str:
        return readable(column)

    def plain(self, column: str) -> str:
        return readable(column)

    def tune(self, schema_editor: Any, tables: Iterable[str]) -> None:
        # Rows of these live for seconds, so a share of the table says nothing
        # about when to vacuum; a fixed number of dead rows does.
        for table in tables:
            schema_editor.execute(
                f"ALTER TABLE {schema_editor.quote_name(table)} SET ("
                f"autovacuum_vacuum_scale_factor = 0, "
                f"autovacuum_vacuum_threshold = 2000, "
                f"autovacuum_vacuum_cost_delay = 0, "
                f"autovacuum_analyze_scale_factor = 0, "
                f"autovacuum_analyze_threshold = 20000)"
            )

    def findings(self, *, live: bool) -> list[Finding]:
        if live or psycopg_any.is_psycopg3:
            return []
        return [
            Finding(
                WRONG_DRIVER,
                f"DATABASES[{self.connection.alias!r}]: the driver is psycopg2, "
                f"which can neither hear notifications in time nor send arrays of "
                f"UUIDs.",
                "Install psycopg 3: pip install 'django-bgtasks[postgresql]'.",
            )
        ]

    def stamp(self, seconds: float | None) -> Any:
        return seconds

    def key(self, value: Any) -> str:
        return str(value.hex)


def _swap(swap: Swap, ctes: list[str], params: list[Any]) -> str:
    """Add the parts of a swap, and return the SELECT that tells what is gone.

    Its answer is NULL if all of them are.
    """
    ctes.append(
        f"gone AS (DELETE FROM {swap.table.name} r "
        f"WHERE {_matching(swap.rows, params)} AND r.process_id = %s "
        f"RETURNING r.job_id)"
    )
    params.append(swap.owner)
    for number, insert in enumerate(swap.inserts):
        only = " WHERE v.key IN (SELECT job_id FROM gone)"
        ctes.append(f"swap_{number} AS ({insert_many(insert, params, only)})")
    for number, (table, unkept) in enumerate(swap.deletes):
        uuids = array("uuid", unkept)
        params.append(uuids[1])
        ctes.append(
            f"drop_{number} AS (DELETE FROM {table.name} "
            f"WHERE {table.key} = ANY({uuids[0]}) "
            f"AND {table.key} IN (SELECT job_id FROM gone))"
        )
    return (
        f"SELECT NULL::timestamptz, (SELECT coalesce(string_agg({HEX}, ' '), '') "
        f"FROM gone t HAVING count(*) <> {len(swap.rows)})"
    )


def _matching(rows: Sequence[tuple[str, int]], params: list[Any]) -> str:
    """Return the condition for rows of these keys, at these attempts.

    The keys are looked up one by one. Joined to them, a table that is empty but for
    a few rows would be walked along its index, with all the entries of rows that are
    gone, which stay there while a transaction elsewhere may see them.
    """
    by_attempt: dict[int, list[str]] = {}
    for key, attempt in rows:
        by_attempt.setdefault(attempt, []).append(key)
    sql, param = array("uuid", [key for key, _ in rows])
    params.append(param)
    if len(by_attempt) == 1:
        params.append(rows[0][1])
        return f"r.job_id = ANY({sql}) AND r.attempt = %s"
    parts = []
    for attempt, keys in by_attempt.items():
        part, param = array("uuid", keys)
        params += [attempt, param]
        parts.append(f"r.attempt = %s AND r.job_id = ANY({part})")
    return f"r.job_id = ANY({sql}) AND ({' OR '.join(parts)})"
