"""Faults of the server: it crashes, cuts, refuses, blocks."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ..disk import Refused
from ..servers import NAME
from .base import SERVERS, Fault

if TYPE_CHECKING:
    from ..scene import Scene


class Crash(Fault):
    """No checkpoint, no goodbye; back after some seconds."""

    name = "crash"
    vendors = SERVERS
    lasts = (0.2, 4.0)
    lingers = 5.0
    is_total = True

    def strike(self, scene: Scene) -> None:
        scene.server.crash()

    def heal(self, scene: Scene) -> None:
        scene.server.start()


class Restart(Crash):
    """An operator restarts it."""

    name = "restart"

    def strike(self, scene: Scene) -> None:
        scene.server.stop()


class Cut(Fault):
    """The server ends sessions: all, or some."""

    name = "cut"
    vendors = SERVERS
    lingers = 5.0

    def strike(self, scene: Scene) -> None:
        scene.server.cut(scene.chance, scene.chance.choice([0.3, 1.0]))


class _Limited(Fault):
    vendors = SERVERS
    lasts = (1.0, 3.0)
    lingers = 5.0
    settings: dict[str, Any]

    def strike(self, scene: Scene) -> None:
        scene.server.limit(**self.settings)
        scene.server.cut(scene.chance, 0.7)

    def heal(self, scene: Scene) -> None:
        scene.server.limit()
        # Sessions keep what they began with.
        scene.server.cut(scene.chance)


class ConnectionLimit(_Limited):
    name = "connection-limit"
    settings = {"connections": 4}


class StatementTimeout(_Limited):
    name = "statement-timeout"
    settings = {"statement_ms": 4}


class ReadOnly(_Limited):
    """What a standby is, after a failover to it."""

    name = "read-only"
    settings = {"read_only": True}


class Serializable(_Limited):
    """Transactions that the server turns away, so that they are done again."""

    name = "serializable"
    vendors = ("postgresql",)
    lasts = (2.0, 5.0)
    settings = {"isolation": "serializable"}


class Locks(Fault):
    """A session that locks rows of the queue in an order that nobody expects."""

    name = "locks"
    vendors = SERVERS
    lasts = (0.5, 1.5)
    lingers = 3.0
    _TABLES = (
        *("runningjob", "readyjob", "deferredjob", "process", "plan", "schedule"),
        *("finishedjob", "job"),
    )

    def __init__(self) -> None:
        self.free = threading.Event()
        self.threads: list[threading.Thread] = []

    def strike(self, scene: Scene) -> None:
        self.free.clear()
        for _ in range(2):
            tables = scene.chance.sample(self._TABLES, k=4)
            thread = threading.Thread(target=self._hold, args=(scene, tables))
            thread.start()
            self.threads.append(thread)

    def _hold(self, scene: Scene, tables: list[str]) -> None:
        key = {"process": "id", "plan": "schedule_id", "schedule": "id", "job": "id"}
        with suppress(Exception), scene.server.admin() as cursor:
            if scene.server.vendor == "postgresql":
                cursor.connection.close()
                return self._hold_postgresql(scene, tables, key)
            cursor.execute(f"USE {NAME}")
            cursor.execute("SET innodb_lock_wait_timeout = 2")
            cursor.execute("BEGIN")
            self._lock(cursor, tables, key)
            cursor.execute("ROLLBACK")
        return None

    def _hold_postgresql(
        self, scene: Scene, tables: list[str], key: dict[str, str]
    ) -> None:
        import psycopg

        address = f"host={scene.server.entry()['HOST']} user=postgres dbname={NAME}"
        with (
            psycopg.connect(address) as connection,
            connection.cursor() as cursor,
        ):
            self._lock(cursor, tables, key)
            connection.rollback()

    def _lock(self, cursor: Any, tables: list[str], key: dict[str, str]) -> None:
        for table in tables:
            column = key.get(table, "job_id")
            cursor.execute(
                f"SELECT {column} FROM django_bgtasks_{table} "
                f"ORDER BY {column} DESC LIMIT 20 FOR UPDATE"
            )
            cursor.fetchall()
            self.free.wait(0.2)
        self.free.wait(2.0)

    def heal(self, scene: Scene) -> None:
        self.free.set()
        for thread in self.threads:
            thread.join()
        self.threads.clear()


class DiskFull(Fault):
    name = "disk-full"
    lasts = (0.5, 2.0)
    lingers = 5.0

    def prepare(self, scene: Scene) -> None:
        if scene.server.disk is None:
            raise Refused("no file system can be mounted here")

    def strike(self, scene: Scene) -> None:
        assert scene.server.disk is not None
        scene.server.disk.fill()

    def heal(self, scene: Scene) -> None:
        assert scene.server.disk is not None
        scene.server.disk.free()


class LongSnapshot(Fault):
    """A transaction that is open elsewhere, and sees what was."""

    name = "long-snapshot"
    vendors = ("postgresql",)
    lasts = (1.0, 4.0)

    def strike(self, scene: Scene) -> frozenset[int]:
        import psycopg

        address = f"host={scene.server.entry()['HOST']} user=postgres dbname={NAME}"
        self.connection = psycopg.connect(address)
        self.connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        self.connection.execute("SELECT count(*) FROM django_bgtasks_job")
        return frozenset()

    def heal(self, scene: Scene) -> None:
        self.connection.close()
