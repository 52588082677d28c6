"""The Redis database that the queues of a run share, one after the other."""

from __future__ import annotations

import redis

from .base import redis_url


def connected() -> redis.Redis:
    return redis.Redis.from_url(redis_url())


def claim() -> redis.Redis:
    """Return a connection to the database, which must be empty.

    Raise RuntimeError if it is not: it will be flushed.
    """
    connection = connected()
    if connection.dbsize():
        raise RuntimeError(
            f"{redis_url()} is not empty, and would be flushed. "
            f"BGTASKS_BENCH_REDIS_URL names another."
        )
    return connection
