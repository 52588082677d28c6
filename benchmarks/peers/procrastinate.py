"""procrastinate, with psycopg: coroutines in the worker, plain calls in the agent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

import psycopg
from procrastinate import App, PsycopgConnector, SyncPsycopgConnector

from .. import bodies
from .base import Synchronous, database

app = App(connector=PsycopgConnector(conninfo=database()))


@app.task(name="noop")
async def noop(value: int) -> int:
    return bodies.noop(value)


@app.task(name="stamp")
async def stamp(value: int) -> None:
    bodies.stamp(value)


@app.task(name="anap")
async def anap(value: float) -> None:
    await bodies.anap(value)


TASKS = {"noop": noop, "stamp": stamp, "anap": anap}


class Agent(Synchronous):
    packages = ("procrastinate", "psycopg")

    def set_up(self) -> None:
        # Kept, as its end would put the other connector back.
        self._replaced: AbstractContextManager[App] = app.replace_connector(
            SyncPsycopgConnector(conninfo=database())
        )
        self._replaced.__enter__()
        app.open()
        app.schema_manager.apply_schema()
        self._connection = psycopg.connect(database(), autocommit=True)

    def tear_down(self) -> None:
        app.close()
        self._connection.close()

    def clear(self) -> None:
        self._connection.execute("TRUNCATE procrastinate_jobs CASCADE")

    def calling(self, task: str) -> Callable[[float], object]:
        defer = TASKS[task].defer
        return lambda value: defer(value=value)

    def put(self, task: str, values: Sequence[float]) -> None:
        TASKS[task].batch_defer(*({"value": value} for value in values))

    def rest(self) -> None:
        self._connection.execute("ANALYZE procrastinate_jobs")

    def is_drained(self, count: int) -> bool:
        found = self._connection.execute(
            "SELECT count(*) FROM procrastinate_jobs WHERE status = 'succeeded'"
        )
        return int(found.fetchone()[0]) >= count
