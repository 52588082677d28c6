"""A claim with its finish, and an enqueue, beside so many other jobs."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from django.db import connection, transaction

from .. import tasks
from ..figures import Figure, percentile
from .claimant import Claimant

_BATCHES = ((100, 60), (1, 200))
_WARM = 15
_ENQUEUES = 300


def sample() -> list[Figure]:
    """Measure in a database that is filled; as many jobs wait at the end."""
    figures = []
    with Claimant() as claimant:
        for limit, turns in _BATCHES:
            figures += _turns(claimant, limit, turns)
        if connection.vendor == "postgresql":
            figures.append(Figure("pages read by a claim of 100", _pages(claimant), ""))
    seconds = []
    for _ in range(_ENQUEUES):
        before = time.perf_counter()
        tasks.noop.enqueue(1)
        seconds.append(time.perf_counter() - before)
    return [*figures, *_of("enqueue", seconds)]


def _turns(claimant: Claimant, limit: int, turns: int) -> list[Figure]:
    seconds, cpu = [], 0.0
    for number in range(_WARM + turns):
        tasks.noop.enqueue_many([((1,), {})] * limit)
        before = _cpu_seconds()
        jobs, taken = claimant.turn(limit)
        assert len(jobs) == limit
        if number >= _WARM:
            seconds.append(taken)
            cpu += _cpu_seconds() - before
    name = f"claim and finish {limit}"
    return [*_of(name, seconds), Figure(f"{name}, CPU", cpu / turns * 1e3, "ms")]


def _cpu_seconds() -> float:
    """CPU time of this process and, where it is one of this host, of its server's."""
    here = time.process_time()
    if connection.vendor != "postgresql":
        return here
    wrapper: Any = connection
    path = Path(f"/proc/{wrapper.connection.info.backend_pid}/schedstat")
    return here + int(path.read_text().split()[0]) / 1e9 if path.exists() else here


def _of(name: str, seconds: list[float]) -> list[Figure]:
    return [
        Figure(f"{name}, p50", percentile(seconds, 0.50) * 1e3, "ms"),
        Figure(f"{name}, p99", percentile(seconds, 0.99) * 1e3, "ms"),
    ]


def _pages(claimant: Claimant) -> float:
    """Count the pages that PostgreSQL reads for a claim, which is then undone."""
    explained: list[Any] = []

    def explain(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if not explained and sql.startswith("WITH"):
            explained.append(None)
            with connection.cursor() as cursor:
                asked = "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON)"
                cursor.execute(f"{asked} {sql}", params)
                explained[0] = cursor.fetchone()[0]
            # What it has claimed is claimed: the statement itself finds other jobs.
        return execute(sql, params, many, context)

    claimant.turn(0)
    with transaction.atomic(), connection.execute_wrapper(explain):
        try:
            claimant.turn(100)
        finally:
            claimant.forget()
            transaction.set_rollback(True)
    plan = explained[0]
    plan = json.loads(plan) if isinstance(plan, str) else plan
    top = plan[0]["Plan"]
    return float(top["Shared Hit Blocks"] + top["Shared Read Blocks"])
