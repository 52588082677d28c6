"""huey, on Redis or in a file of SQLite."""

from __future__ import annotations

from collections.abc import Callable

from huey import RedisHuey, SqliteHuey

from .. import bodies
from .base import Synchronous, database, redis_url

_NAME = "bgtasks-bench"
_PREFIX = "sqlite:///"

_IN_FILE = database().startswith(_PREFIX)
if _IN_FILE:
    huey = SqliteHuey(_NAME, filename=database().removeprefix(_PREFIX))
else:
    huey = RedisHuey(_NAME, url=redis_url())

TASKS = {
    name: huey.task(name=name)(getattr(bodies, name))
    for name in ("noop", "stamp", "nap")
}


class Agent(Synchronous):
    packages = ("huey",) if _IN_FILE else ("huey", "redis", "hiredis")

    def set_up(self) -> None:
        if not _IN_FILE:
            from .redis_database import claim

            claim()

    def clear(self) -> None:
        huey.storage.flush_all()

    def calling(self, task: str) -> Callable[[float], object]:
        return TASKS[task]

    def is_drained(self, count: int) -> bool:
        return huey.storage.result_store_size() >= count
