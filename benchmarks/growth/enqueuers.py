"""Many who enqueue at once, each by a connection of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import django
from django.db import connections

from ..figures import Figure, percentile
from ..subjects.bgtasks import BgTasks

_SECONDS = 5.0
# Threads of a process hold one another up.
_THREADS = 8


def sample(count: int) -> list[Figure]:
    """Have ``count`` enqueue one job after the other for some seconds."""
    BgTasks().clear()
    connections.close_all()
    shares = list(_shares(count))
    # Once all processes have started.
    begin = time.time() + 2 + len(shares)
    # Of this module they can learn only once Django is ready.
    ready = (get_context("spawn"), django.setup)
    with ProcessPoolExecutor(len(shares), *ready) as pool:
        answers = list(pool.map(_process, shares, [begin] * len(shares)))
    seconds = [each for some, _ in answers for each in some]
    errors = sum(failed for _, failed in answers)
    return [
        Figure("enqueued", len(seconds) / _SECONDS, "/s"),
        Figure("enqueue p50", percentile(seconds, 0.50) * 1e3, "ms"),
        Figure("enqueue p99", percentile(seconds, 0.99) * 1e3, "ms"),
        Figure("errors", errors, ""),
    ]


def _shares(count: int) -> Iterator[int]:
    while count > 0:
        yield min(count, _THREADS)
        count -= _THREADS


def _process(threads: int, begin: float) -> tuple[list[float], int]:
    seconds: list[float] = []
    errors: list[Exception] = []
    each = [
        threading.Thread(target=_thread, args=(begin, seconds, errors))
        for _ in range(threads)
    ]
    for thread in each:
        thread.start()
    for thread in each:
        thread.join()
    return seconds, len(errors)


def _thread(begin: float, seconds: list[float], errors: list[Exception]) -> None:
    from .. import tasks

    connections["default"].ensure_connection()
    time.sleep(max(0.0, begin - time.time()))
    try:
        while time.time() < begin + _SECONDS:
            before = time.perf_counter()
            try:
                tasks.noop.enqueue(1)
            except Exception as error:
                errors.append(error)
                continue
            seconds.append(time.perf_counter() - before)
    finally:
        connections.close_all()
