"""PostgreSQL servers of a test's own, which can be crashed and fail over."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

from tests import databases
from tests.embedded_postgresql import EmbeddedPostgreSQL
from tests.waiting import eventually


class Server(EmbeddedPostgreSQL):
    """A PostgreSQL server with a migrated database, reached from processes only."""

    name = "bgtasks"
    is_down = False

    @property
    def entry(self) -> dict[str, Any]:
        """The database in DATABASES."""
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": self.name,
            "USER": "postgres",
            "HOST": str(self.directory),
        }

    def prepare(self, environment: dict[str, str]) -> None:
        import psycopg

        with psycopg.connect(self._dsn("postgres"), autocommit=True) as admin:
            # What was committed must outlive a crash.
            admin.execute("ALTER SYSTEM SET synchronous_commit = on")
            admin.execute("ALTER SYSTEM SET full_page_writes = on")
            # What is not waited for is on its way for so long.
            admin.execute("ALTER SYSTEM SET wal_writer_delay = '10s'")
            # What it commits would take along what was committed before.
            admin.execute("ALTER SYSTEM SET autovacuum = off")
            admin.execute("SELECT pg_reload_conf()")
            admin.execute(f"CREATE DATABASE {self.name}")
        self.know(environment)
        self.run("-m", "django", "migrate", "--run-syncdb", "-v0")

    def know(self, environment: dict[str, str]) -> None:
        """Take the environment of processes, to be on this database."""
        self.url = databases.to_url(self.entry)
        self.environment = {**environment, "BGTASKS_TEST_DATABASE_URL": self.url}

    def run(self, *arguments: str) -> None:
        subprocess.run(
            [sys.executable, *arguments], env=self.environment, check=True, timeout=60
        )

    def call(self, statement: str) -> None:
        """Execute a statement about ``tasks`` in a process on this database."""
        head = "import django; django.setup(); from tests.acceptance import tasks; "
        self.run("-c", head + statement)

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        import psycopg

        with closing(psycopg.connect(self._dsn(self.name))) as connection:
            return connection.execute(statement).fetchall()

    def count(self, table: str, where: str = "true") -> int:
        return int(self.query(f"SELECT count(*) FROM {table} WHERE {where}")[0][0])

    def hold_wal_writer(self) -> None:
        """Have it take nothing to the disk until the server crashes."""
        writer = "backend_type = 'walwriter'"
        (row,) = self.query(f"SELECT pid FROM pg_stat_activity WHERE {writer}")
        os.kill(row[0], signal.SIGSTOP)

    def crash(self) -> None:
        super()._stop()
        self.is_down = True

    def start_again(self) -> None:
        self._start()
        self.is_down = False

    def configure(self, **settings: str) -> None:
        """Change settings of the server, also for sessions that are open."""
        import psycopg

        with psycopg.connect(self._dsn("postgres"), autocommit=True) as admin:
            # Whatever is said to all the others.
            admin.execute("SET transaction_read_only = off")
            for name, value in settings.items():
                admin.execute(f"ALTER SYSTEM SET {name} = '{value}'")
            admin.execute("SELECT pg_reload_conf()")

    def _stop(self) -> None:
        if not self.is_down:
            super()._stop()

    def _dsn(self, name: str) -> str:
        return f"host={self.directory} user=postgres dbname={name}"


class Standby(Server):
    """A copy of a server, which follows it and may be asked to take its place."""

    def __init__(self, primary: Server) -> None:
        self.primary = primary

    def follow(self) -> None:
        """Have every commit of the primary wait until it is here."""
        self.know(self.primary.environment)
        self.primary.configure(synchronous_standby_names="*")
        eventually(
            lambda: self.primary.count("pg_stat_replication", "sync_state = 'sync'"),
            "a standby that is waited for",
        )

    def promote(self) -> None:
        self._run("pg_ctl", "promote", "-w", "-D", self._data)

    def _find_programs(self) -> Path:
        shutil.chown(self.directory, self._user or os.geteuid())
        return self.primary._programs

    def _initialize(self) -> None:
        self._run(
            *("pg_basebackup", "-D", self._data, "-d", self.primary._dsn("postgres")),
            *("--write-recovery-conf", "--checkpoint=fast", "--no-sync"),
        )
        configuration = Path(self._data) / "postgresql.conf"
        with configuration.open("a") as file:
            file.write(f"unix_socket_directories = '{self.directory}'\n")
