"""The databases that growth is measured in."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests import databases as found
from tests.databases import from_url, to_url

from .. import databases

_ROOT = Path(__file__).parents[2]
# Of SQLite, where there is enough room for millions.
_FILES = _ROOT / "build" / "growth"


class Stage:
    """Makes databases by name, and drops them in the end unless they are kept."""

    def __init__(self, vendor: str, server: str | None, *, keep: bool) -> None:
        self._vendor = vendor
        self._server = server
        self._keep = keep
        self._urls: dict[str, str] = {}

    def __enter__(self) -> Stage:
        self._stack = ExitStack()
        if self._server is not None or self._vendor == "sqlite":
            return self
        if self._vendor == "postgresql":
            server = self._stack.enter_context(databases.StockPostgreSQL())
            self._server = address(server)
        else:
            found.describe(self._vendor)
            self._server = found.url(self._vendor)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def url(self, name: str) -> str:
        """Return the URL of a database, which is made if it is not there."""
        if name not in self._urls:
            made = _file if self._vendor == "sqlite" else self._on_server
            context = made(f"bgtasks_growth_{name}", self._keep)
            self._urls[name] = self._stack.enter_context(context)
        return self._urls[name]

    @contextmanager
    def _on_server(self, name: str, keep: bool) -> Iterator[str]:
        assert self._server is not None
        execute = {"postgresql": _on_postgresql}.get(self._vendor, _on_mysql)
        execute(self._server, "CREATE", name)
        try:
            yield to_url({**from_url(self._server), "NAME": name})
        finally:
            if not keep:
                execute(self._server, "DROP", name)


def _on_postgresql(server: str, verb: str, name: str) -> None:
    import psycopg

    ending = " WITH (FORCE)" if verb == "DROP" else ""
    with (
        psycopg.connect(server, autocommit=True) as connection,
        suppress(psycopg.errors.DuplicateDatabase),
    ):
        connection.execute(f'{verb} DATABASE "{name}"{ending}')


def _on_mysql(server: str, verb: str, name: str) -> None:
    statement = f"DROP DATABASE IF EXISTS `{name}`"
    if verb == "CREATE":
        statement = f"CREATE DATABASE IF NOT EXISTS `{name}` CHARACTER SET utf8mb4"
    with databases.mysql(server) as connection:
        connection.query(statement)


@contextmanager
def _file(name: str, keep: bool) -> Iterator[str]:
    _FILES.mkdir(parents=True, exist_ok=True)
    path = _FILES / f"{name}.sqlite3"
    try:
        yield f"sqlite:///{path}"
    finally:
        if not keep:
            for each in path.parent.glob(f"{path.name}*"):
                each.unlink()


def address(server: Any) -> str:
    """Return the URL of a server of our own."""
    place = quote(str(server.directory), safe="/")
    return f"postgresql://postgres@/postgres?host={place}"


def environment(url: str, *, many_queues: bool) -> dict[str, str]:
    """Return what a process needs to work in a database."""
    return {
        "DJANGO_SETTINGS_MODULE": "benchmarks.growth.settings",
        "BGTASKS_BENCH_DATABASE_URL": url,
        "BGTASKS_BENCH_QUEUES": "any" if many_queues else "default",
        "PYTHONPATH": os.pathsep.join(
            [str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        ),
    }
