"""Queues that need Redis or RabbitMQ, or a file of their own."""

from __future__ import annotations

from .peer import Command, Peer

_REDIS = "redis-server"
_RABBITMQ = "beam.smp"


def _celery(name: str, *pool: str) -> Command:
    return (
        *("celery", "--app", "benchmarks.peers.celery", "worker"),
        *("--hostname", f"{name}@%h", "--loglevel", "ERROR"),
        *("--without-gossip", "--without-mingle", "--without-heartbeat"),
        *("--prefetch-multiplier", "64", *(pool or ("--pool", "solo"))),
    )


_CELERY_WORKERS = {
    "drain-2x1": [_celery("one"), _celery("two")],
    "drain-1x1": [_celery("one")],
    "latency": [_celery("one", "--pool", "prefork", "--concurrency", "2")],
    "threads": [_celery("one", "--pool", "threads", "--concurrency", "50")],
    "idle": [_celery("one", "--pool", "prefork", "--concurrency", "2")],
}
_CELERY = ("celery[redis]>=5.5", "hiredis>=3")
_HOW_CELERY = (
    "to drain, as many workers of the solo pool as processes, with a prefetch of 64 "
    "and without gossip, mingle and heartbeat; for latency one worker of two processes"
)


def _huey(count: int, kind: str = "process", *more: str) -> Command:
    return (
        *("huey.bin.huey_consumer", "benchmarks.peers.huey.huey", "--quiet"),
        *("-g", "TERM", "--workers", str(count), "--worker-type", kind, *more),
    )


def _dramatiq(processes: int, threads: int) -> Command:
    return (
        *("dramatiq", "benchmarks.peers.dramatiq"),
        *("--processes", str(processes), "--threads", str(threads)),
    )


PEERS = (
    Peer(
        name="celery-redis",
        title="Celery + Redis",
        module="celery",
        requires=_CELERY,
        about=f"Redis as broker and for results, hiredis; {_HOW_CELERY}",
        workers=_CELERY_WORKERS,
        servers=[_REDIS],
        environment={"BGTASKS_BENCH_BROKER": "redis"},
    ),
    Peer(
        name="celery-rabbitmq",
        title="Celery + RabbitMQ, results in Redis",
        module="celery",
        requires=_CELERY,
        about=f"hiredis; {_HOW_CELERY}",
        workers=_CELERY_WORKERS,
        servers=[_REDIS, _RABBITMQ],
        environment={"BGTASKS_BENCH_BROKER": "rabbitmq"},
    ),
    Peer(
        name="celery-rabbitmq-no-results",
        title="Celery + RabbitMQ, no results",
        module="celery",
        requires=_CELERY,
        about=_HOW_CELERY,
        workers=_CELERY_WORKERS,
        servers=[_RABBITMQ],
        environment={"BGTASKS_BENCH_BROKER": "rabbitmq-no-results"},
        jobs=10_000,
    ),
    Peer(
        name="huey-redis",
        title="huey + Redis",
        module="huey",
        requires=("huey>=3", "redis>=6", "hiredis>=3"),
        about="hiredis; four worker processes to drain on two cores, one for `1x1`; "
        "50 threads for tasks that wait. It has no call for many jobs",
        workers={
            "drain-2x1": [_huey(4)],
            "drain-1x1": [_huey(1)],
            "latency": [_huey(4)],
            "threads": [_huey(50, "thread")],
            "idle": [_huey(2)],
        },
        servers=[_REDIS],
        jobs=10_000,
    ),
    Peer(
        name="huey-sqlite",
        title="huey + SQLite",
        module="huey",
        requires=("huey>=3", "redis>=6", "hiredis>=3"),
        about="its defaults for SQLite; as many worker processes as are told",
        workers={
            "drain-2x1": [_huey(2)],
            "drain-1x1": [_huey(1)],
            "latency": [_huey(2)],
            "threads": [_huey(50, "thread", "-d", "0.02", "-m", "0.1")],
            "idle": [_huey(2)],
        },
        vendor="sqlite",
        jobs=10_000,
    ),
    Peer(
        name="dramatiq",
        title="dramatiq + RabbitMQ, results in Redis",
        module="dramatiq",
        requires=("dramatiq[rabbitmq,redis]>=2", "hiredis>=3"),
        about="hiredis; two processes of 8 threads with a prefetch of 500 to drain, "
        "one of one thread for `1x1`. Publishing awaits no confirmation (its default)",
        workers={
            "drain-2x1": [_dramatiq(2, 8)],
            "drain-1x1": [_dramatiq(1, 1)],
            "latency": [_dramatiq(2, 8)],
            "threads": [_dramatiq(1, 50)],
            "idle": [_dramatiq(2, 8)],
        },
        servers=[_REDIS, _RABBITMQ],
        environment={"dramatiq_queue_prefetch": "500"},
        jobs=10_000,
    ),
)
