"""The databases that growth is measured in."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import quote

from tests.databases import from_url, to_url

from .. import databases


class Stage:
    """Makes databases by name, and drops them in the end unless they are kept."""

    def __init__(self, vendor: str, server: str | None, *, keep: bool) -> None:
        self._vendor = vendor
        self._server = server
        self._keep = keep
        self._urls: dict[str, str] = {}

    def __enter__(self) -> Stage:
        self._stack = ExitStack()
        if self._vendor == "postgresql" and self._server is None:
            server = self._stack.enter_context(databases.StockPostgreSQL())
            place = quote(str(server.directory), safe="/")
            self._server = f"postgresql://postgres@/postgres?host={place}"
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def database(self, name: str) -> tuple[str, bool]:
        """Return the URL of a database, and whether it has just been made."""
        if name in self._urls:
            return self._urls[name], False
        if self._server is None:
            made = databases.made(self._vendor, label=f"_{name}")
            self._urls[name] = self._stack.enter_context(made)
            return self._urls[name], True
        url, new = self._stack.enter_context(self._on_server(f"growth_{name}"))
        self._urls[name] = url
        return url, new

    @contextmanager
    def _on_server(self, name: str) -> Iterator[tuple[str, bool]]:
        import psycopg

        assert self._server is not None
        with psycopg.connect(self._server, autocommit=True) as connection:
            asked = "SELECT FROM pg_database WHERE datname = %s"
            new = connection.execute(asked, [name]).fetchone() is None
            if new:
                connection.execute(f'CREATE DATABASE "{name}"')
        try:
            yield to_url({**from_url(self._server), "NAME": name}), new
        finally:
            if not self._keep:
                with psycopg.connect(self._server, autocommit=True) as connection:
                    connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def environment(url: str, *, many_queues: bool) -> dict[str, str]:
    """Return what a process needs to work in a database."""
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "benchmarks.growth.settings",
        "BGTASKS_BENCH_DATABASE_URL": url,
        "BGTASKS_BENCH_QUEUES": "any" if many_queues else "default",
        "PYTHONPATH": os.pathsep.join(
            [str(Path.cwd()), *filter(None, [os.environ.get("PYTHONPATH")])]
        ),
    }
