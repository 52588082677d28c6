"""Servers as they are installed, with all the room of the machine.

``migrated=False`` leaves their database empty.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.chaos import servers


class _Roomy:
    def __init__(self, *, migrated: bool = True) -> None:
        self.migrated = migrated

    def migrate(self) -> None:
        if self.migrated:
            super().migrate()  # type: ignore[misc]

    def prepare_disk(self, path: Path) -> None:
        path.mkdir(exist_ok=True)


class PostgreSQL(_Roomy, servers.PostgreSQL):
    """With stock settings: it syncs, and vacuums when it thinks fit."""

    settings = {"listen_addresses": ""}


class MariaDB(_Roomy, servers.MariaDB):
    """With stock settings."""

    flags = ()


class SQLite(_Roomy, servers.SQLite):
    pass


SERVERS: dict[str, Any] = {
    "sqlite": SQLite,
    "postgresql": PostgreSQL,
    "mariadb": MariaDB,
}
