"""Servers of our own, which may be harmed.

Each runs with a database that is migrated, and a user who is no superuser; what harms
it comes in by another door.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tests import databases
from tests.embedded_postgresql import EmbeddedPostgreSQL
from tests.waiting import eventually

from .disk import Refused, SmallDisk

NAME = USER = "bgtasks"
# Connections to MariaDB, if there is no lack of them.
_PLENTY = 1_000


class Server:
    """What every server can be told; the vendors do it each in its own way."""

    vendor: str
    disk: SmallDisk | None = None
    # Where a proxy finds it; None if no network leads there.
    socket: str | None = None

    def entry(self) -> dict[str, Any]:
        """An entry of DATABASES that leads straight to the server."""
        raise NotImplementedError

    @property
    def url(self) -> str:
        return databases.to_url(self.entry())

    def migrate(self) -> None:
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "BGTASKS_TEST_DATABASE_URL": self.url,
        }
        command = [sys.executable, "-m", "django", "migrate", "--run-syncdb", "-v0"]
        subprocess.run(command, env=environment, check=True)

    def crash(self) -> None:
        """End it as a power cut does; what was committed is there afterwards."""

    def stop(self) -> None:
        """Stop it as an operator does."""

    def start(self) -> None:
        """Start it again, and wait until it answers."""

    @contextmanager
    def gone(self) -> Iterator[None]:
        """Crash it, and start it again in the end."""
        self.crash()
        try:
            yield
        finally:
            self.start()

    def cut(self, chance: random.Random, share: float = 1.0) -> int:
        """End that share of the sessions of the user, and return how many."""
        return 0

    def limit(self, **settings: Any) -> None:
        """Limit the user: ``connections``, ``statement_ms``, ``read_only`` ..."""

    @contextmanager
    def admin(self) -> Iterator[Any]:
        """A cursor of the superuser's, in autocommit."""
        raise NotImplementedError
        yield

    def prepare_disk(self, path: Path) -> None:
        path.mkdir(exist_ok=True)
        with suppress(Refused):
            self.disk = SmallDisk(path)


class PostgreSQL(EmbeddedPostgreSQL, Server):
    vendor = "postgresql"
    # A crash of the server alone forgets nothing that it has handed to the system.
    settings = {
        **EmbeddedPostgreSQL.settings,
        "synchronous_commit": "on",
        "full_page_writes": "on",
        "restart_after_crash": "on",
    }

    def __enter__(self) -> PostgreSQL:
        super().__enter__()
        try:
            self.socket = f"{self.directory}/.s.PGSQL.5432"
            self.prepare_disk(self.directory / "disk")
            where = ""
            with self.admin() as cursor:
                if self.disk is not None:
                    (self.disk.path / "space").mkdir(mode=0o700)
                    shutil.chown(self.disk.path / "space", self._user)
                    place = f"{self.disk.path}/space"
                    cursor.execute(f"CREATE TABLESPACE small LOCATION '{place}'")
                    where = " TABLESPACE small"
                cursor.execute(f"CREATE ROLE {USER} LOGIN")
                cursor.execute(f"CREATE DATABASE {NAME} OWNER {USER}{where}")
            self.migrate()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, *error: Any) -> None:
        with suppress(RuntimeError):
            self._run("pg_ctl", "stop", "-w", "-m", "immediate", "-D", self._data)
        if self.disk is not None:
            self.disk.unmount()
        shutil.rmtree(self.directory, ignore_errors=True)

    def entry(self) -> dict[str, Any]:
        engine = "django.db.backends.postgresql"
        host = str(self.directory)
        return {"ENGINE": engine, "NAME": NAME, "USER": USER, "HOST": host}

    def crash(self) -> None:
        self._run("pg_ctl", "stop", "-w", "-m", "immediate", "-D", self._data)

    def stop(self) -> None:
        self._run("pg_ctl", "stop", "-w", "-m", "fast", "-D", self._data)

    def start(self) -> None:
        self._start()

    def cut(self, chance: random.Random, share: float = 1.0) -> int:
        with self.admin() as cursor:
            cursor.execute("SELECT setseed(%s)", [chance.uniform(-1, 1)])
            cursor.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                "WHERE usename = %s AND random() < %s",
                [USER, share],
            )
            return int(cursor.fetchone()[0])

    def limit(self, **settings: Any) -> None:
        with self.admin() as cursor:
            most = settings.get("connections", -1)
            cursor.execute(f"ALTER ROLE {USER} CONNECTION LIMIT {most}")
            for name, value in (
                ("statement_timeout", settings.get("statement_ms", 0)),
                ("default_transaction_read_only", settings.get("read_only", False)),
                (
                    "default_transaction_isolation",
                    settings.get("isolation", "read committed"),
                ),
            ):
                cursor.execute(f"ALTER ROLE {USER} SET {name} = '{value}'")

    @contextmanager
    def admin(self) -> Iterator[Any]:
        import psycopg

        address = f"host={self.directory} user=postgres dbname=postgres"
        with (
            psycopg.connect(address, autocommit=True) as connection,
            connection.cursor() as cursor,
        ):
            yield cursor


class MariaDB(Server):
    vendor = "mariadb"
    flags: tuple[str, ...] = (
        "--innodb-flush-log-at-trx-commit=2",
        "--innodb-buffer-pool-size=128M",
        "--innodb-log-file-size=48M",
        "--max-connections=200",
    )

    def __enter__(self) -> MariaDB:
        for program in ("mariadbd", "mariadb-install-db"):
            if shutil.which(program) is None:
                raise Refused(f"{program} is not installed")
        self.directory = Path(tempfile.mkdtemp(prefix="bgtasks-my-"))
        self.directory.chmod(0o755)
        self.process: subprocess.Popen[bytes] | None = None
        self.user = ["--user=mysql"] if os.geteuid() == 0 else []
        self.socket = f"{self.directory}/socket"
        try:
            self._create()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def _create(self) -> None:
        self.prepare_disk(self.directory / "disk")
        for path in (self.directory, self.directory / "disk"):
            if self.user:
                shutil.chown(path, "mysql")
        self.data = f"{self.directory}/disk/data"
        subprocess.run(
            [
                *("mariadb-install-db", "--no-defaults", f"--datadir={self.data}"),
                *("--auth-root-authentication-method=normal", *self.user),
            ],
            check=True,
            capture_output=True,
        )
        self.start()
        with self.admin() as cursor:
            cursor.execute(f"CREATE DATABASE {NAME} CHARACTER SET utf8mb4")
            cursor.execute(f"CREATE USER {USER}@localhost")
            cursor.execute(f"GRANT ALL ON {NAME}.* TO {USER}@localhost")
        self.migrate()

    def __exit__(self, *error: Any) -> None:
        with suppress(Exception):
            self.crash()
        if self.disk is not None:
            self.disk.unmount()
        shutil.rmtree(self.directory, ignore_errors=True)

    def entry(self) -> dict[str, Any]:
        return {
            "ENGINE": "django.db.backends.mysql",
            "NAME": NAME,
            "USER": USER,
            "OPTIONS": {"unix_socket": self.socket},
        }

    def crash(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(60)
            self.process = None

    def start(self) -> None:
        with (self.directory / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [
                    *("mariadbd", "--no-defaults", f"--datadir={self.data}"),
                    *(f"--socket={self.socket}", "--skip-networking", *self.user),
                    # It can be changed only if there is one from the start.
                    f"--max-user-connections={_PLENTY}",
                    *self.flags,
                ],
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        eventually(self._answers, "MariaDB to answer", 60, 0.1)

    def _answers(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            raise RuntimeError((self.directory / "log").read_text()[-3000:])
        with suppress(Exception), self.admin():
            return True
        return False

    def cut(self, chance: random.Random, share: float = 1.0) -> int:
        with self.admin() as cursor:
            cursor.execute(
                "SELECT id FROM information_schema.processlist WHERE user = %s", [USER]
            )
            found = [row[0] for row in cursor.fetchall() if chance.random() < share]
            for number in found:
                with suppress(Exception):  # It may have gone by itself.
                    cursor.execute(f"KILL {number}")
        return len(found)

    def limit(self, **settings: Any) -> None:
        most = settings.get("connections", _PLENTY)
        with self.admin() as cursor:
            # Nothing of it is written: on a full disk the server would wait for space.
            cursor.execute(f"SET GLOBAL max_user_connections = {most}")
            seconds = settings.get("statement_ms", 0) / 1000
            cursor.execute(f"SET GLOBAL max_statement_time = {seconds}")
            cursor.execute(
                f"SET GLOBAL read_only = {int(settings.get('read_only', 0))}"
            )

    @contextmanager
    def admin(self) -> Iterator[Any]:
        import MySQLdb

        connection = MySQLdb.connect(
            user="root", unix_socket=self.socket, autocommit=True, connect_timeout=5
        )
        try:
            yield connection.cursor()
        finally:
            connection.close()


class SQLite(Server):
    vendor = "sqlite"

    def __enter__(self) -> SQLite:
        self.directory = Path(tempfile.mkdtemp(prefix="bgtasks-lite-"))
        self.prepare_disk(self.directory / "disk")
        self.migrate()
        return self

    def __exit__(self, *error: Any) -> None:
        if self.disk is not None:
            self.disk.unmount()
        shutil.rmtree(self.directory, ignore_errors=True)

    def entry(self) -> dict[str, Any]:
        path = self.directory / "disk" / "db.sqlite3"
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": str(path)}


SERVERS: dict[str, Any] = {
    "sqlite": SQLite,
    "postgresql": PostgreSQL,
    "mariadb": MariaDB,
}
