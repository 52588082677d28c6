"""Celery, on the broker that ``BGTASKS_BENCH_BROKER`` names."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from celery import Celery

from .. import bodies
from .base import Synchronous, rabbitmq_url, redis_url
from .redis_database import claim

_QUEUE = "bgtasks-bench-celery"
_KIND = os.environ["BGTASKS_BENCH_BROKER"]
_KEEPS = _KIND != "rabbitmq-no-results"

app = Celery(
    "benchmarks",
    broker=redis_url() if _KIND == "redis" else rabbitmq_url(),
    backend=redis_url() if _KEEPS else None,
)
app.conf.update(task_default_queue=_QUEUE, task_ignore_result=not _KEEPS)
app.conf.broker_connection_retry_on_startup = True

TASKS = {
    name: app.task(getattr(bodies, name), name=name)
    for name in ("noop", "stamp", "nap")
}


class Agent(Synchronous):
    packages = ("celery", "kombu", "redis", "hiredis", "amqp")

    def set_up(self) -> None:
        self._redis = claim() if _KEEPS else None
        self.clear()

    def clear(self) -> None:
        if _KIND != "redis":
            # It stays: a producer declares it once only.
            with app.connection_for_write() as connection:
                connection.default_channel.queue_declare(
                    _QUEUE, durable=True, auto_delete=False
                )
                connection.default_channel.queue_purge(_QUEUE)
        if self._redis is not None:
            self._redis.flushdb()

    def tear_down(self) -> None:
        self.clear()
        if _KIND != "redis":
            with app.connection_for_write() as connection:
                connection.default_channel.queue_delete(_QUEUE)

    def calling(self, task: str) -> Callable[[float], object]:
        return TASKS[task].delay

    def put(self, task: str, values: Sequence[float]) -> None:
        call = TASKS[task].apply_async
        with app.producer_pool.acquire(block=True) as producer:
            for value in values:
                call((value,), producer=producer)

    def is_drained(self, count: int) -> bool:
        if self._redis is not None:
            # Few keys are no results, so that these are seldom counted in vain.
            return self._redis.dbsize() >= count and self._count_results() >= count
        with app.connection_for_read() as connection:
            queue = connection.default_channel.queue_declare(_QUEUE, passive=True)
            return queue.message_count == 0

    def _count_results(self) -> int:
        assert self._redis is not None
        return sum(1 for _ in self._redis.scan_iter("celery-task-meta-*", 10_000))
