"""pgqueuer, with asyncpg and uvloop; a worker when run with the size of its batches."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib import metadata
from typing import Any

import asyncpg
import uvloop
from pgqueuer import PgQueuer, run
from pgqueuer.db import AsyncpgDriver
from pgqueuer.models import Job
from pgqueuer.queries import Queries

from .. import bodies
from ..loops import Moments, uneven
from .base import database


@asynccontextmanager
async def create() -> AsyncIterator[PgQueuer]:
    """The worker's factory, as `pgq run` wants it."""
    connection = await asyncpg.connect(database())
    queuer = PgQueuer(AsyncpgDriver(connection))

    @queuer.entrypoint("noop")
    async def noop(job: Job) -> None:
        bodies.noop(int(job.payload or b"0"))

    @queuer.entrypoint("stamp")
    async def stamp(job: Job) -> None:
        bodies.stamp(int(job.payload or b"0"))

    @queuer.entrypoint("anap")
    async def anap(job: Job) -> None:
        await bodies.anap(float(job.payload or b"0"))

    try:
        yield queuer
    finally:
        await connection.close()


class Agent:
    def __init__(self) -> None:
        self._loop = uvloop.new_event_loop()
        asyncio.set_event_loop(self._loop)
        self._run = self._loop.run_until_complete
        self._connection = self._run(asyncpg.connect(database()))
        self._queries = Queries(AsyncpgDriver(self._connection))

    def versions(self) -> dict[str, str]:
        return {
            name: metadata.version(name) for name in ("pgqueuer", "asyncpg", "uvloop")
        }

    def set_up(self) -> None:
        self._run(self._queries.install())
        self._run(self._queries.optimize_autovacuum())

    def tear_down(self) -> None:
        self._run(self._connection.close())

    def clear(self) -> None:
        self._execute("TRUNCATE pgqueuer, pgqueuer_log, pgqueuer_statistics")

    def enqueue_each(
        self,
        task: str,
        values: Sequence[float],
        *,
        pause: float = 0.0,
        in_transaction: bool = False,
    ) -> Moments:
        return self._run(self._each(task, values, pause, in_transaction))

    async def _each(
        self, task: str, values: Sequence[float], pause: float, in_transaction: bool
    ) -> Moments:
        transaction = self._connection.transaction() if in_transaction else None
        if transaction is not None:
            await transaction.start()
        moments = []
        for value in values:
            if pause:
                await asyncio.sleep(uneven(pause))
            before = time.monotonic()
            await self._queries.enqueue(task, b"%r" % value)
            moments.append((before, time.monotonic()))
        if transaction is not None:
            await transaction.commit()
        return moments

    def enqueue_many(self, task: str, values: Sequence[float]) -> float:
        before = time.monotonic()
        payloads: list[bytes | None] = [b"%r" % value for value in values]
        count = len(payloads)
        self._run(self._queries.enqueue([task] * count, payloads, [0] * count))
        return time.monotonic() - before

    def rest(self) -> None:
        self._execute("ANALYZE pgqueuer")

    def is_drained(self, count: int) -> bool:
        left = self._connection.fetchval("SELECT EXISTS (SELECT FROM pgqueuer)")
        return not self._run(left)

    def _execute(self, statement: str) -> Any:
        return self._run(self._connection.execute(statement))


if __name__ == "__main__":
    uvloop.run(run(create, batch_size=int(sys.argv[1])))
