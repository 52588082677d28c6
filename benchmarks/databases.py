"""A database for the run, on a server that runs or on one started for it."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests import databases as found
from tests.databases import Unavailable
from tests.embedded_postgresql import EmbeddedPostgreSQL

VENDORS = found.VENDORS
_LOCAL_POSTGRESQL = "postgresql://postgres@127.0.0.1:5432/postgres"
# What of a server's settings decides on speed; shown where it is not the default.
_TELLING = (
    "autovacuum",
    "fsync",
    "full_page_writes",
    "jit",
    "shared_buffers",
    "synchronous_commit",
    "wal_level",
)


class StockPostgreSQL(EmbeddedPostgreSQL):
    """A server of the run's own, with the settings that PostgreSQL comes with.

    Its programs are the newest of Debian's, else those in the wheel.
    """

    settings: dict[str, str] = {"listen_addresses": ""}

    def _find_programs(self) -> Path:
        installed = programs()
        if installed is None:
            return super()._find_programs()
        if self._user is not None:
            shutil.chown(self.directory, self._user)
        return installed


def programs() -> Path | None:
    """Return where Debian keeps the programs of its newest PostgreSQL, if it has."""
    found = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    newest = max(found, key=lambda path: float(path.parts[-3]), default=None)
    return newest and newest.parent


@contextmanager
def made(vendor: str, *, own_server: bool = False) -> Iterator[str]:
    """Make a database, yield its URL, and drop it. Raise Unavailable."""
    with ExitStack() as stack:
        if vendor == "sqlite":
            directory = tempfile.TemporaryDirectory(prefix="bgtasks-bench-")
            path = Path(stack.enter_context(directory)) / "bench.sqlite3"
            yield f"sqlite:///{path}"
        elif vendor == "postgresql":
            yield stack.enter_context(_postgresql(stack, own_server=own_server))
        else:
            found.describe(vendor)
            yield stack.enter_context(_mysql_database(found.url(vendor) or ""))


def _postgresql(stack: ExitStack, *, own_server: bool) -> Any:
    address = None if own_server else _running_postgresql()
    if address is None:
        if not own_server:
            found.describe("postgresql")
        server = stack.enter_context(StockPostgreSQL())
        place = quote(str(server.directory), safe="/")
        address = f"postgresql://postgres@/postgres?host={place}"
    return _postgresql_database(address)


def _running_postgresql() -> str | None:
    address = found.url("postgresql")
    if address is not None:
        return address
    import psycopg

    try:
        psycopg.connect(_LOCAL_POSTGRESQL, connect_timeout=3).close()
    except psycopg.Error:
        return None
    return _LOCAL_POSTGRESQL


@contextmanager
def _postgresql_database(address: str) -> Iterator[str]:
    import psycopg

    name = _name()
    entry = found.from_url(address)
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
        try:
            yield found.to_url({**entry, "NAME": name})
        finally:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@contextmanager
def _mysql_database(address: str) -> Iterator[str]:
    name = _name()
    with mysql(address) as connection:
        connection.query(f"CREATE DATABASE `{name}` CHARACTER SET utf8mb4")
        try:
            yield found.to_url({**found.from_url(address), "NAME": name})
        finally:
            connection.query(f"DROP DATABASE `{name}`")


@contextmanager
def mysql(address: str) -> Iterator[Any]:
    """Connect to a server of MariaDB or MySQL, to none of its databases."""
    import MySQLdb

    entry = found.from_url(address)
    connection = MySQLdb.connect(
        user=entry["USER"],
        password=entry["PASSWORD"],
        host=entry["HOST"] or "localhost",
        port=int(entry["PORT"] or 3306),
        autocommit=True,
        **entry["OPTIONS"],
    )
    try:
        yield connection
    finally:
        connection.close()


def _name() -> str:
    return f"bgtasks_bench_{os.getpid()}"


def describe(connection: Any) -> dict[str, str]:
    """Tell the server's version, and the settings that are not its defaults."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT sqlite_version()")
            facts = {"SQLite": cursor.fetchone()[0]}
            for pragma in ("journal_mode", "synchronous"):
                cursor.execute(f"PRAGMA {pragma}")
                facts[pragma] = str(cursor.fetchone()[0])
            return facts
        if connection.vendor == "mysql":
            cursor.execute("SELECT VERSION(), @@innodb_flush_log_at_trx_commit")
            version, flush = cursor.fetchone()
            return {"server": version, "innodb_flush_log_at_trx_commit": str(flush)}
        cursor.execute("SHOW server_version")
        facts = {"PostgreSQL": cursor.fetchone()[0]}
        cursor.execute(
            "SELECT name, setting FROM pg_settings WHERE name = ANY(%s) "
            "AND setting <> boot_val ORDER BY name",
            [list(_TELLING)],
        )
        return {**facts, **{f"not stock: {name}": value for name, value in cursor}}


__all__ = ["VENDORS", "Unavailable", "describe", "made"]
