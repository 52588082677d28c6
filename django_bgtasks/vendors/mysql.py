"""MySQL 8 and MariaDB 10.6 or later."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from django.db.utils import OperationalError

from .base import Vendor
from .findings import OLD_SERVER, WRONG_ISOLATION, Finding
from .rows import Table

# Deadlock found; lock wait timeout exceeded; record changed since last read
# (MariaDB's snapshot isolation).
_TRY_AGAIN = {1213, 1205, 1020}
_READ_COMMITTED = "read committed"
# Between two statements of a transaction the worker's own connection is silent for
# milliseconds, unless its host is gone: then the server shall not keep its locks.
_SILENT_SECONDS = 10
_OLDEST_MARIADB = (10, 6)
_NO_RANK = 32_768


class MySQL(Vendor):
    clock = "UTC_TIMESTAMP(6)"
    has_roles = False
    moments_as_text = True
    lock_rows = " FOR UPDATE"
    skip_locked = " FOR UPDATE SKIP LOCKED"

    def read_clock(self, value: Any) -> datetime:
        moment: datetime = value.replace(tzinfo=UTC)
        return moment

    def asks_again(self, error: OperationalError) -> bool:
        return error.args[0] in _TRY_AGAIN

    def prepare_worker(self) -> None:
        # Under REPEATABLE READ a claim locks the gaps between rows, up to the end
        # of the index, and every enqueue waits for it or deadlocks.
        with self.connection.cursor() as cursor:
            cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
            if self.connection.mysql_is_mariadb:
                cursor.execute(
                    "SET SESSION idle_transaction_timeout = %s", [_SILENT_SECONDS]
                )

    def queues(self, source: Table, known: Sequence[str] = ()) -> list[str]:
        # One look-up each, as in the base; but the optimizer walks the whole index
        # for a subquery that compares with the name before.
        names: list[str] = []
        query = f"SELECT MIN(queue_name) FROM {source.name}"
        with self.connection.cursor() as cursor:
            cursor.execute(query)
            while (name := cursor.fetchone()[0]) is not None:
                names.append(name)
                cursor.execute(f"{query} WHERE queue_name > %s", [name])
        return names

    def _by_key(self, table: Table, keys: Sequence[str]) -> tuple[str, str, list[Any]]:
        # For several keys of a small table the optimizer prefers to read all rows,
        # whatever it is told, and would wait for those that somebody else holds. A
        # join that begins with the keys looks each of them up.
        if len(keys) == 1:
            return super()._by_key(table, keys)
        source = (
            f"JSON_TABLE(%s, '$[*]' COLUMNS (wanted CHAR(32) CHARACTER SET ascii "
            f"PATH '$' ERROR ON ERROR)) AS keys_wanted STRAIGHT_JOIN {table.name} "
            f"FORCE INDEX ({self.quote(table.index or 'PRIMARY')}) "
            f"ON {table.name}.{table.key} = wanted"
        )
        return source, "TRUE", [json.dumps(keys)]

    def heads(self, source: Table, index: str) -> list[tuple[str, datetime]]:
        # One look-up each, as in the base; for the reason that `queues` has.
        rank, found = self.quote("rank"), []
        query = (
            f"SELECT queue_name, {rank}, ready_at FROM {source.name}"
            f"{self.by_index(index)} WHERE queue_name > %s OR "
            f"(queue_name = %s AND {rank} > %s) "
            f"ORDER BY queue_name, {rank}, ready_at LIMIT 1"
        )
        # No priority is as high as this rank, and no name as low as the empty one.
        head: Any = ("", -_NO_RANK, None)
        with self.connection.cursor() as cursor:
            while head is not None:
                cursor.execute(query, [head[0], head[0], head[1]])
                head = cursor.fetchone()
                if head is not None:
                    found.append((head[0], self.moment(head[2])))
        return found

    def first_of_each(
        self, source: Table, order: str, most: int
    ) -> list[tuple[str, int, datetime]]:
        # Only an index that holds all of the columns is walked for its order; those
        # of a column hold the primary key as well.
        key, limit = source.key, int(most) + 1
        with self.connection.cursor() as cursor:
            cursor.execute(
                f"SELECT s.queue_name, COUNT(*), MIN(s.{order}) FROM ("
                f"SELECT {key} FROM {source.name} ORDER BY {order} LIMIT {limit}"
                f") AS first_rows STRAIGHT_JOIN {source.name} s "
                f"ON s.{key} = first_rows.{key} GROUP BY s.queue_name"
            )
            rows = cursor.fetchall()
        return [(name, count, self.moment(at)) for name, count, at in rows]

    def by_index(self, index: str) -> str:
        # On a small table the optimizer prefers to read, and so to lock, all rows.
        return f" FORCE INDEX ({self.quote(index)})"

    def readable(self, column: str, *, null: bool = False) -> str:
        # Dates of zeros, and of no month or day, are read as None.
        return (
            f"IF({column} < '0001-01-01' OR MONTH({column}) = 0 "
            f"OR DAYOFMONTH({column}) = 0, "
            f"TIMESTAMP'0001-01-01 00:00:00', {column})"
        )

    def plain(self, column: str) -> str:
        return self.readable(column)

    def differ(self, one: str, other: str, *, text: bool = False) -> str:
        if text:
            # By default "Mon", "mon" and "mon " are the same.
            one, other = f"CAST({one} AS BINARY)", f"CAST({other} AS BINARY)"
        return f"NOT ({one} <=> {other})"

    def on_conflict(self, *fields: str) -> dict[str, Any]:
        # Any unique key counts; none can be named.
        return {}

    def tell_apart(self, schema_editor: Any, table: str, field: Any) -> None:
        # By default "mail", "Mail" and "mail " are one name.
        mariadb = self.connection.mysql_is_mariadb
        collation = "utf8mb4_nopad_bin" if mariadb else "utf8mb4_0900_bin"
        schema_editor.execute(
            f"ALTER TABLE {self.quote(table)} MODIFY {self.quote(field.column)} "
            f"{field.db_type(self.connection)} "
            f"CHARACTER SET utf8mb4 COLLATE {collation} NOT NULL"
        )

    def findings(self, *, live: bool) -> list[Finding]:
        options = self.connection.settings_dict["OPTIONS"]
        wanted = options.get("isolation_level", _READ_COMMITTED)
        if not live:
            # None leaves it to the server, which has to be asked.
            return self._findings_of_isolation(wanted or _READ_COMMITTED)
        found = self._findings_of_version()
        if not wanted or wanted.lower() == _READ_COMMITTED:
            found += self._findings_of_isolation(self._isolation())
        return found

    def _findings_of_isolation(self, level: str) -> list[Finding]:
        if level.lower() == _READ_COMMITTED:
            return []
        return [
            Finding(
                WRONG_ISOLATION,
                f"DATABASES[{self.connection.alias!r}]: transactions are "
                f"{level.upper()}. Claims then lock the gaps between rows, and "
                f"enqueues and workers deadlock.",
                "Set DATABASES[...]['OPTIONS']['isolation_level'] to "
                "'read committed', Django's default.",
            )
        ]

    def _isolation(self) -> str:
        mariadb = self.connection.mysql_is_mariadb
        name = "tx_isolation" if mariadb else "transaction_isolation"
        with self.connection.cursor() as cursor:
            cursor.execute(f"SELECT @@SESSION.{name}")
            return str(cursor.fetchone()[0]).replace("-", " ")

    def _findings_of_version(self) -> list[Finding]:
        # Django itself turns away every MySQL that is too old.
        version = self.connection.mysql_version
        if not self.connection.mysql_is_mariadb or version >= _OLDEST_MARIADB:
            return []
        return [
            Finding(
                OLD_SERVER,
                f"DATABASES[{self.connection.alias!r}]: the server is MariaDB "
                f"{_dotted(version)}, which has no SKIP LOCKED.",
                f"Upgrade to MariaDB {_dotted(_OLDEST_MARIADB)} or later.",
            )
        ]


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))
