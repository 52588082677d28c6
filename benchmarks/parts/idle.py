"""What a worker costs that has nothing to do."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from statistics import median
from typing import Any

from django.db import connection, connections

from ..figures import Figure
from ..subjects import Subject, Workforce
from .base import Part, Plan

_SECONDS = 20
# PostgreSQL shows what a connection did a second later if it does more, and ten
# seconds later if it does not (PGSTAT_IDLE_INTERVAL): what began has to be told before.
_SETTLE = 12
# Each of them has one sign of life of the supervisor.
_WINDOW = 5


def _idle(subject: Subject, plan: Plan) -> list[Figure]:
    subject.clear()
    workforce = Workforce(2, 1, work="idle")
    with subject.worker(workforce) as worker:
        subject.await_idle(worker, workforce)
        _vacuum()
        time.sleep(_SETTLE)
        # Closed, so that the statements counted are the worker's alone.
        connection.close()
        with _counter() as transactions:
            cpu, counts = worker.cpu_seconds(), [transactions()]
            for _ in range(_SECONDS // _WINDOW):
                time.sleep(_WINDOW)
                counts.append(transactions())
            cpu = worker.cpu_seconds() - cpu
        resident, shared = worker.memory()
    figures = [
        Figure("idle 2x1 CPU per 20 s", cpu, "s"),
        Figure("idle 2x1 RSS", resident, "MB"),
        Figure("idle 2x1 PSS", shared, "MB"),
    ]
    if None not in counts:
        # The middle one, as autovacuum calls once a minute, and is counted as well.
        rate = median(after - before for before, after in pairwise(counts)) / _WINDOW
        figures.append(Figure("idle 2x1 transactions", rate, "/s"))
    return figures


def _vacuum() -> None:
    """Leave nothing to autovacuum, whose transactions would be counted."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")


@contextmanager
def _counter() -> Iterator[Any]:
    """Count the transactions of the database, from outside of it."""
    if connection.vendor != "postgresql":
        yield lambda: None
        return
    name = connection.settings_dict["NAME"]
    watcher = connections.create_connection("default")
    watcher.settings_dict = {**connection.settings_dict, "NAME": "postgres"}

    def transactions() -> int:
        with watcher.cursor() as cursor:
            cursor.execute(
                "SELECT sum(xact_commit + xact_rollback) FROM pg_stat_database "
                "WHERE starts_with(datname, %s)",
                [name],
            )
            return int(cursor.fetchone()[0])

    try:
        yield transactions
    finally:
        watcher.close()


PARTS = (
    Part(
        "idle",
        "an idle worker of two processes, its supervisor included, for 20 s",
        _idle,
    ),
)
