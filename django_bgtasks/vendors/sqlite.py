"""SQLite: one writer at a time, in the same process or on the same host."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from django.db.backends.sqlite3.base import SQLiteCursorWrapper
from django.db.utils import OperationalError

from . import short_way
from .base import Vendor
from .change_watcher import ChangeWatcher
from .findings import BLOCKED_READERS, DEFERRED_WRITERS, OLD_SERVER, Finding
from .rows import Insert, Table, Then
from .watcher import Watcher

# Seconds that the worker itself waits for another writer before it tries again. A
# task may be that writer, and the worker must still mind its time limit.
_BUSY_SECONDS = 0.5
_OLDEST = (3, 35)
_NO_DATE = "'0001-01-01 00:00:00'"
_DAY = "[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]"


class SQLite(Vendor):
    has_roles = False
    moments_as_text = True
    # The oldest supported build takes 32,766 parameters; a job has twelve.
    chunk = 1_000
    # The wait for the lock, of as long as the settings say, precedes each.
    tries = 3

    def __init__(self, connection: Any) -> None:
        super().__init__(connection)
        # The driver's connection that was looked at, and whether it may be used.
        self._known: tuple[Any, bool] = None, False

    def put(self, inserts: Sequence[Insert], then: Then = None) -> datetime:
        raw = None
        if all(len(insert.rows) == 1 for insert in inserts):
            raw = self._free_connection()
        if raw is None:
            return super().put(inserts, then)
        with self.connection.wrap_database_errors:
            now = self._put_one(raw, inserts)
        if then is not None:
            then()
        return now

    def _free_connection(self) -> Any:
        """Return the driver's connection where a transaction may be begun by it.

        Over a row Django's cursor and transaction take longer than the file does.
        """
        connection = self.connection
        if connection.in_atomic_block or not short_way.is_open(connection):
            return None
        raw = connection.connection
        if self._known[0] is not raw:
            kind, cursor = type(connection), SQLiteCursorWrapper
            ways = (
                *(cursor.execute, cursor.executemany, kind.set_autocommit),
                *(kind._start_transaction_under_autocommit, kind.commit, kind._commit),
            )
            plain = type(raw) is sqlite3.Connection
            self._known = raw, plain and short_way.is_plain(connection, *ways)
        return raw if self._known[1] and connection.autocommit else None

    def _put_one(self, raw: Any, inserts: Sequence[Insert]) -> datetime:
        raw.execute(f"BEGIN {self.connection.transaction_mode or ''}")
        try:
            now = self.now()
            stamp = self.to_database(now)
            for insert in inserts:
                raw.execute(
                    _text(insert.table.name, insert.columns, insert.clock),
                    (*insert.rows[0], *(stamp for _ in insert.clock)),
                )
            raw.commit()
        except BaseException:
            raw.rollback()
            raise
        return now

    def now(self) -> datetime:
        # The database has no clock but the host's.
        return datetime.now(UTC)

    def _insert(self, insert: Insert, now: datetime) -> None:
        # No round trip is saved by a statement of many rows, and one that is the same
        # for all is parsed once.
        if not insert.rows:
            return
        columns = (*insert.columns, *insert.clock)
        stamps = (self.to_database(now),) * len(insert.clock)
        with self.connection.cursor() as cursor:
            cursor.executemany(
                f"INSERT INTO {insert.table.name} "
                f"({', '.join(map(self.quote, columns))}) "
                f"VALUES ({', '.join(['%s'] * len(columns))})",
                [(*row, *stamps) for row in insert.rows],
            )

    def asks_again(self, error: OperationalError) -> bool:
        return "locked" in str(error) or "busy" in str(error)

    def readable(self, column: str, *, null: bool = False) -> str:
        # It keeps whatever it is given; what follows is what Python reads as well.
        day, time = f"substr({column}, 1, 10)", f"substr({column}, 12)"
        return (
            f"CASE WHEN {column} IS NULL OR (typeof({column}) = 'text' "
            f"AND {column} GLOB '{_DAY}[ T][0-2][0-9]:[0-5][0-9]*' "
            f"AND date({day}, '+0 days') = {day} AND {day} >= '0001' "
            f"AND time({time}) IS NOT NULL AND {time} < '24' "
            f"AND instr({column}, char(0)) = 0 AND length({column}) <= 32) "
            f"THEN {column} ELSE {'NULL' if null else _NO_DATE} END"
        )

    def plain(self, column: str) -> str:
        # Of a bare column, Django has the driver read dates, and fails on others.
        return f"+{column}"

    def told(self, table: Table, column: str) -> str:
        name = self.quote(column)
        return self.plain(name) if table.types[column] == "datetime" else name

    def differ(self, one: str, other: str, *, text: bool = False) -> str:
        return f"{one} IS NOT {other}"

    def watch(self, channel: str, listen: bool | str) -> Watcher:
        return ChangeWatcher(self.connection)

    def prepare_worker(self) -> None:
        # Write-ahead logging lets the site read while the worker writes. A read
        # that turns into a write fails at once unless the transaction began as a
        # writer, so each of this process does, those of tasks included: the threads'
        # connections share these settings, and Django reads them at each connect.
        options = self.connection.settings_dict["OPTIONS"]
        options["transaction_mode"] = options.get("transaction_mode") or "IMMEDIATE"
        with self.connection.cursor() as cursor:
            self.connection.transaction_mode = options["transaction_mode"]
            cursor.execute(f"PRAGMA busy_timeout = {int(_BUSY_SECONDS * 1000)}")
            cursor.execute("PRAGMA journal_mode")
            if cursor.fetchone()[0] not in ("wal", "memory"):
                cursor.execute("PRAGMA journal_mode = WAL")

    @property
    def writes_alone(self) -> bool:
        # Whoever has a transaction open keeps all others from writing.
        return bool(self.connection.in_atomic_block)

    def findings(self, *, live: bool) -> list[Finding]:
        return self._findings_of_session() if live else self._findings_of_settings()

    def _findings_of_settings(self) -> list[Finding]:
        found = []
        database = f"DATABASES[{self.connection.alias!r}]"
        library = self.connection.Database
        if library.sqlite_version_info < _OLDEST:
            wanted = ".".join(map(str, _OLDEST))
            found.append(
                Finding(
                    OLD_SERVER,
                    f"{database}: SQLite is {library.sqlite_version}.",
                    f"Use a Python that is linked with SQLite {wanted} or later.",
                )
            )
        mode = self.connection.settings_dict["OPTIONS"].get("transaction_mode")
        if str(mode).upper() not in ("IMMEDIATE", "EXCLUSIVE"):
            found.append(
                Finding(
                    DEFERRED_WRITERS,
                    f"{database}: transactions begin as readers. One that then "
                    f"writes fails with 'database is locked' if a worker wrote "
                    f"meanwhile; no timeout helps.",
                    "Set DATABASES[...]['OPTIONS']['transaction_mode'] to 'IMMEDIATE'.",
                )
            )
        return found

    def _findings_of_session(self) -> list[Finding]:
        with self.connection.cursor() as cursor:
            cursor.execute("PRAGMA journal_mode")
            mode = cursor.fetchone()[0]
        if mode in ("wal", "memory"):
            return []
        return [
            Finding(
                BLOCKED_READERS,
                f"DATABASES[{self.connection.alias!r}]: SQLite's journal mode is "
                f"{mode!r}, in which readers wait for every writer.",
                "A worker switches the file to 'wal' when it starts. To have it so "
                "from the first, set DATABASES[...]['OPTIONS']['init_command'] to "
                "'PRAGMA journal_mode=WAL;'.",
            )
        ]


@lru_cache
def _text(table: str, columns: tuple[str, ...], clock: tuple[str, ...]) -> str:
    """SQL that inserts a row, as the driver takes it."""
    names = (*columns, *clock)
    quoted = ", ".join(f'"{name}"' for name in names)
    return f"INSERT INTO {table} ({quoted}) VALUES ({', '.join('?' * len(names))})"
