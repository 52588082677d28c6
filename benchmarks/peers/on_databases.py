"""Queues that keep their jobs in PostgreSQL."""

from __future__ import annotations

from .peer import IN_DATABASE, Command, Peer

_DJANGO_PEERS = (
    "Django>=6.0",
    "psycopg[binary]>=3.2",
    "django-tasks-db>=0.12",
    "django-ox>=1.9",
    "dj-queue>=0.14",
    "django-q2>=1.8",
    "redis>=6",
    "hiredis>=3",
)
_WAITING = "`CONN_MAX_AGE` 600, without which each of its tasks connects anew"


def _pgqueuer(batch: int) -> Command:
    return "benchmarks.peers.pgqueuer", str(batch)


def _procrastinate(concurrency: int) -> Command:
    return (
        *("procrastinate", "--app", "benchmarks.peers.procrastinate.app", "worker"),
        *("--concurrency", str(concurrency)),
    )


def _ox(processes: int, concurrency: int, *more: str) -> Command:
    return (
        *("django", "ox_worker", "--verbosity", "0", "--processes", str(processes)),
        *("--concurrency", str(concurrency), *more),
    )


def _django(app: str) -> dict[str, str]:
    return {
        "BGTASKS_BENCH_PEER": app,
        "DJANGO_SETTINGS_MODULE": "benchmarks.peers.django_settings",
    }


def _sized(processes: int, threads: int = 1, prefetch: int = 100) -> dict[str, str]:
    return {
        "BGTASKS_BENCH_PROCESSES": str(processes),
        "BGTASKS_BENCH_THREADS": str(threads),
        "BGTASKS_BENCH_PREFETCH": str(prefetch),
    }


def _same(command: Command, *parts: str) -> dict[str, list[Command]]:
    return {part: [command] for part in parts}


_ALL_WORK = ("drain-2x1", "drain-1x1", "latency", "threads", "idle")
_DB_WORKER: Command = ("django", "db_worker", "--verbosity", "0")

PEERS = (
    Peer(
        name="pgqueuer",
        title="pgqueuer",
        module="pgqueuer",
        requires=("pgqueuer>=1.6", "asyncpg>=0.31", "uvloop>=0.21"),
        about="asyncpg and uvloop, workers by `pgqueuer.run`, durable tables, "
        "`pgq autovac` applied; batches of 500 to drain, of 10 (the default) for "
        "latency, of 100 for coroutines; the tables analyzed before a drain. It keeps "
        "no return values",
        workers={
            "drain-2x1": [_pgqueuer(500)] * 2,
            "drain-1x1": [_pgqueuer(500)],
            "latency": [_pgqueuer(10)],
            "coroutines": [_pgqueuer(100)],
            "idle": [_pgqueuer(500)] * 2,
        },
        parts=IN_DATABASE,
        jobs=20_000,
    ),
    Peer(
        name="procrastinate",
        title="procrastinate",
        module="procrastinate",
        requires=("procrastinate>=3.5", "psycopg[binary]>=3.2"),
        about="coroutines, listening for notifications; 20 at once in each worker to "
        "drain, 100 for tasks that wait; `batch_defer` for many jobs",
        workers={
            "drain-2x1": [_procrastinate(20)] * 2,
            "drain-1x1": [_procrastinate(20)],
            "latency": [_procrastinate(20)] * 2,
            "coroutines": [_procrastinate(100)],
            "idle": [_procrastinate(20)] * 2,
        },
    ),
    Peer(
        name="django-tasks-db",
        title="django-tasks-db",
        module="django_queues",
        requires=_DJANGO_PEERS,
        about=f"{_WAITING}; as many `db_worker` as processes, 20 with an interval of "
        "0.1 s for tasks that wait. It has no call for many jobs",
        workers={
            "drain-2x1": [_DB_WORKER] * 2,
            "drain-1x1": [_DB_WORKER],
            "latency": [_DB_WORKER] * 2,
            "idle": [_DB_WORKER] * 2,
        },
        parts=IN_DATABASE,
        environment=_django("django_tasks_db"),
        jobs=2_000,
    ),
    Peer(
        name="django-ox",
        title="django-ox",
        module="django_queues",
        requires=_DJANGO_PEERS,
        about=f"{_WAITING}; two processes of two threads to drain, one of one for "
        "`1x1`, one of four for latency, two of 25 for tasks that wait; "
        "`enqueue_many` for many jobs",
        workers={
            "drain-2x1": [_ox(2, 2)],
            "drain-1x1": [_ox(1, 1)],
            "latency": [_ox(1, 4)],
            "threads": [_ox(2, 25)],
            "idle": [_ox(2, 2)],
        },
        parts=IN_DATABASE,
        environment=_django("django_ox"),
        jobs=2_000,
    ),
    Peer(
        name="dj-queue",
        title="dj-queue",
        module="django_queues",
        requires=_DJANGO_PEERS,
        about=f"{_WAITING}; listening for notifications; two processes of two threads "
        "and a prefetch of 100 to drain, one of one for `1x1`, two of 25 with a "
        "prefetch of 2 for tasks that wait; `enqueue_all` for many jobs",
        workers=_same(("django", "dj_queue"), *_ALL_WORK),
        parts=IN_DATABASE,
        environment=_django("dj_queue"),
        varying={
            "drain-2x1": _sized(2, 2),
            "drain-1x1": _sized(1),
            "threads": _sized(2, 25, 2),
        },
    ),
    Peer(
        name="django-q2",
        title="django-q2 + Redis, results in PostgreSQL",
        module="django_queues",
        requires=_DJANGO_PEERS,
        about=f"{_WAITING}; the broker that its manual recommends, handed to each "
        "call; `bulk` 50, `queue_limit` 200; 50 processes for tasks that wait",
        workers=_same(("django", "qcluster"), *_ALL_WORK),
        servers=["redis-server"],
        environment=_django("django_q"),
        varying={"drain-1x1": _sized(1), "threads": _sized(50)},
    ),
)
