"""PostgreSQL: one statement for what takes the others several."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from django.db.backends.postgresql import psycopg_any
from django.db.utils import OperationalError

from .base import Vendor
from .findings import WRONG_DRIVER, Finding
from .listener import Listener
from .rows import Insert, Lane, Move, Swap, Table, Take, Taken
from .watcher import Watcher

# The time at which the server received the statement: one for all of its rows,
# and, unlike now(), not that of a transaction that began long ago.
_CLOCK = "statement_timestamp()"
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class PostgreSQL(Vendor):
    lock_rows = " FOR UPDATE"
    skip_locked = " FOR UPDATE SKIP LOCKED"
    chunk = 5_000
    fold = 1
    limit_silence = "SET LOCAL idle_in_transaction_session_timeout = '10s'"

    def now(self) -> datetime:
        with self.connection.cursor() as cursor:
            cursor.execute("SELECT clock_timestamp()")
            return self._moment(cursor.fetchone()[0])

    def put(self, inserts: Sequence[Insert]) -> datetime:
        if all(len(insert.rows) == 1 for insert in inserts):
            return self._put_one(inserts)
        if max(len(insert.rows) for insert in inserts) <= self.chunk:
            return self._put_many(inserts, _CLOCK)
        with self.atomic():
            now = self.now()
            longest = max(len(insert.rows) for insert in inserts)
            for start in range(0, longest, self.chunk):
                part = slice(start, start + self.chunk)
                some = [replace(each, rows=each.rows[part]) for each in inserts]
                self._put_many([each for each in some if each.rows], now)
        return now

    def _put_one(self, inserts: Sequence[Insert]) -> datetime:
        params: list[Any] = []
        *first, last = [_insert_one(insert, params) for insert in inserts]
        ctes = ", ".join(f"put_{n} AS ({sql})" for n, sql in enumerate(first))
        with self.connection.cursor() as cursor:
            cursor.execute(
                f"{f'WITH {ctes} ' if ctes else ''}{last} RETURNING {_CLOCK}", params
            )
            return self._moment(cursor.fetchone()[0])

    def _put_many(self, inserts: Sequence[Insert], now: str | datetime) -> datetime:
        params: list[Any] = []
        ctes = [
            f"put_{number} AS ({_insert(insert, params, now=now)})"
            for number, insert in enumerate(inserts)
        ]
        with self.connection.cursor() as cursor:
            cursor.execute(f"WITH {', '.join(ctes)} SELECT {_CLOCK}", params)
            return self._moment(cursor.fetchone()[0])

    def exchange(
        self, swap: Swap | None, take: Take | None
    ) -> tuple[set[str], Taken | None]:
        ctes: list[str] = []
        params: list[Any] = []
        answers = []
        if swap:
            _swap(swap, ctes, params)
            nothing = ", NULL" * (len(take.read) + 4 if take else 0)
            answers.append(f"SELECT NULL::timestamptz, job_id{nothing} FROM gone")
        if take:
            answers.append(_take(take, ctes, params))
        with self.connection.cursor() as cursor:
            cursor.execute(
                f"WITH {', '.join(ctes)} {' UNION ALL '.join(answers)}", params
            )
            rows = cursor.fetchall()
        # A row of what was taken has a time, one of what is gone has none.
        gone = {self.key(row[1]) for row in rows if row[0] is None}
        if take is None:
            return gone, None
        taken = [row for row in rows if row[0] is not None]
        if not taken:
            return gone, Taken(_LONG_AGO, [])
        return gone, Taken(
            self._moment(taken[0][0]),
            [
                (self.key(row[1]), *row[2:5], self._moment(row[5]), *row[6:])
                for row in taken
            ],
        )

    def move(self, move: Move) -> int:
        columns = ", ".join(move.columns)
        with self.connection.cursor() as cursor:
            cursor.execute(
                f"WITH due AS MATERIALIZED ("
                f"SELECT {move.source.key} AS key FROM {move.source.name} "
                f"WHERE {move.due} <= {_CLOCK} "
                f"ORDER BY {move.due} LIMIT %s FOR UPDATE SKIP LOCKED"
                f"), gone AS (DELETE FROM {move.source.name} "
                f"WHERE {move.source.key} = ANY(ARRAY(SELECT key FROM due)) "
                f"RETURNING {move.source.key}, {columns}) "
                f"INSERT INTO {move.target.name} "
                f"({move.target.key}, {columns}, {move.stamp}) "
                f"SELECT gone.*, {_CLOCK} FROM gone",
                [move.limit],
            )
            return int(cursor.rowcount)

    def asks_again(self, error: OperationalError) -> bool:
        # Serialization failure; deadlock.
        return getattr(error.__cause__, "sqlstate", None) in ("40001", "40P01")

    def notify(self, channel: str, message: str) -> None:
        with self.connection.cursor() as cursor:
            cursor.execute("SELECT pg_notify(%s, %s)", [channel, message])

    def watch(self, channel: str, listen: bool | str) -> Watcher:
        return Listener(self.connection, channel, listen) if listen else Watcher()

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

    def key(self, value: Any) -> str:
        return str(value.hex)

    def _moment(self, value: datetime) -> datetime:
        moment = self.from_database(value)
        assert moment is not None
        return moment


def _cast(table: Table, column: str) -> str:
    kind = table.types[column]
    # A cast to varchar(n) would cut silently; the column itself complains.
    return "text" if kind.startswith("varchar") else kind


def _names(insert: Insert) -> str:
    return ", ".join(f'"{column}"' for column in (*insert.columns, *insert.clock))


def _insert_one(insert: Insert, params: list[Any]) -> str:
    params += insert.rows[0]
    values = ["%s"] * len(insert.columns) + [_CLOCK] * len(insert.clock)
    return (
        f"INSERT INTO {insert.table.name} ({_names(insert)}) "
        f"VALUES ({', '.join(values)})"
    )


def _insert(
    insert: Insert,
    params: list[Any],
    only: str = "",
    now: str | datetime = _CLOCK,
) -> str:
    """SQL that inserts the rows; ``only`` is a condition on ``v.key``."""
    values, source = _values(insert, params)
    for _ in insert.clock:
        # The select list comes before the arrays of FROM.
        values.append(now if isinstance(now, str) else "%s")
        if not isinstance(now, str):
            params.insert(len(params) - source.count("%s"), now)
    return (
        f"INSERT INTO {insert.table.name} ({_names(insert)}) "
        f"SELECT {', '.join(values)} FROM {source}{only}"
    )


def _values(insert: Insert, params: list[Any]) -> tuple[list[str], str]:
    """Pass what all rows share once, and the rest as arrays; fills ``params``.

    The first column, the key, is always ``v.key``.
    """
    casts = [_cast(insert.table, column) for column in insert.columns]
    count = len(insert.rows)
    values, arrays, aliases = [], [], []
    varying: list[Any] = []
    for number, column in enumerate(zip(*insert.rows, strict=True)):
        if number and (count == 1 or column.count(column[0]) == count):
            params.append(column[0])
            values.append(f"%s::{casts[number]}")
            continue
        alias = "key" if number == 0 else f"c{number}"
        values.append(f"v.{alias}")
        aliases.append(alias)
        arrays.append(f"%s::{casts[number]}[]")
        varying.append(list(column))
    params += varying
    return values, f"unnest({', '.join(arrays)}) AS v({', '.join(aliases)})"


def _swap(swap: Swap, ctes: list[str], params: list[Any]) -> None:
    params += [list(column) for column in zip(*swap.rows, strict=True)]
    params.append(swap.owner)
    ctes.append(
        f"gone AS (DELETE FROM {swap.table.name} r "
        f"USING unnest(%s::uuid[], %s::int[]) AS f(key, attempt) "
        f"WHERE r.job_id = f.key AND r.attempt = f.attempt AND r.process_id = %s "
        f"RETURNING r.job_id)"
    )
    for number, insert in enumerate(swap.inserts):
        only = " WHERE v.key IN (SELECT job_id FROM gone)"
        ctes.append(f"swap_{number} AS ({_insert(insert, params, only)})")
    for number, (table, keys) in enumerate(swap.deletes):
        params.append(list(keys))
        ctes.append(
            f"drop_{number} AS (DELETE FROM {table.name} "
            f"WHERE {table.key} = ANY(%s::uuid[]) "
            f"AND {table.key} IN (SELECT job_id FROM gone))"
        )


def _take(take: Take, ctes: list[str], params: list[Any]) -> str:
    """Add the parts of a take, and return the SELECT that answers it.

    The join reads lane after lane, lazily, and stops at the limit: no more rows
    are locked than are taken. Equality on the leading columns keeps each a walk
    along the index. By key, stale statistics can make the delete a walk along all.
    """
    with_rank = [lane for lane in take.lanes if lane.rank is not None]
    assert not with_rank or len(with_rank) == len(take.lanes), "lanes of one kind"
    fence, order = _lane_sql(bool(with_rank), params, take.lanes)
    owner = f"EXISTS (SELECT FROM {take.owners.name} WHERE {take.owners.key} = %s)"
    params += [take.limit, take.owner, take.limit, take.owner]
    body = ", ".join(f'b."{column}"' for column in take.read)
    ctes.append(
        f"picked AS MATERIALIZED (SELECT p.* FROM {fence}, LATERAL ("
        f"SELECT s.ctid AS place FROM {take.source.name} s "
        f"WHERE s.queue_name = l.queue "
        f"AND l.queue NOT IN (SELECT name FROM {take.closed.name} "
        f"WHERE paused_at IS NOT NULL){order} LIMIT %s FOR UPDATE SKIP LOCKED"
        f") p WHERE {owner} LIMIT %s)"
    )
    ctes.append(
        f"taken AS (DELETE FROM {take.source.name} "
        f"WHERE ctid = ANY(ARRAY(SELECT place FROM picked)) "
        f"RETURNING job_id, attempt, queue_name, rank, ready_at)"
    )
    ctes.append(
        f"claimed AS (INSERT INTO {take.target.name} "
        f"(job_id, process_id, attempt, claimed_at, cancel_requested) "
        f"SELECT job_id, %s, attempt, {_CLOCK}, false FROM taken)"
    )
    return (
        f"SELECT {_CLOCK}, t.job_id, t.attempt, t.queue_name, t.rank, "
        f"t.ready_at, {body} FROM taken t "
        f"LEFT JOIN {take.body.name} b ON b.{take.body.key} = t.job_id"
    )


def _lane_sql(
    with_rank: bool, params: list[Any], lanes: Sequence[Lane]
) -> tuple[str, str]:
    params.append([lane.queue for lane in lanes])
    if not with_rank:
        order = " ORDER BY s.rank, s.ready_at, s.job_id"
        return "unnest(%s::text[]) AS l(queue)", order
    params.append([lane.rank for lane in lanes])
    params.append([lane.floor or _LONG_AGO for lane in lanes])
    source = "unnest(%s::text[], %s::smallint[], %s::timestamptz[])"
    return (
        f"{source} AS l(queue, rank, floor)",
        " AND s.rank = l.rank AND s.ready_at > l.floor ORDER BY s.ready_at, s.job_id",
    )
