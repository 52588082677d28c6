"""dramatiq on RabbitMQ, with results in Redis."""

from __future__ import annotations

from collections.abc import Callable

import dramatiq
from dramatiq.brokers.rabbitmq import RabbitmqBroker
from dramatiq.results import Results
from dramatiq.results.backends import RedisBackend

from .. import bodies
from .base import Synchronous, rabbitmq_url, redis_url
from .redis_database import claim

_QUEUE = "bgtasks-bench-dramatiq"

broker = RabbitmqBroker(url=rabbitmq_url())
broker.add_middleware(Results(backend=RedisBackend(url=redis_url())))
dramatiq.set_broker(broker)

TASKS = {
    name: dramatiq.actor(
        getattr(bodies, name), actor_name=name, queue_name=_QUEUE, store_results=True
    )
    for name in ("noop", "stamp", "nap")
}


class Agent(Synchronous):
    packages = ("dramatiq", "pika", "redis", "hiredis")

    def set_up(self) -> None:
        self._redis = claim()

    def clear(self) -> None:
        broker.declare_queue(_QUEUE, ensure=True)
        broker.flush(_QUEUE)
        self._redis.flushdb()

    def tear_down(self) -> None:
        self.clear()
        for suffix in ("", ".DQ", ".XQ"):
            broker.channel.queue_delete(_QUEUE + suffix)
        broker.close()

    def calling(self, task: str) -> Callable[[float], object]:
        return TASKS[task].send

    def is_drained(self, count: int) -> bool:
        return self._redis.dbsize() >= count
