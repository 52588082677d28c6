"""A steady load while a transaction elsewhere keeps its view of the past open."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import connection, connections

from .. import tasks
from ..figures import Figure, percentile
from ..subjects import Workforce
from ..subjects.bgtasks import BgTasks

_STEP = 0.01
_BEFORE = 15
_SPANS = 12
_WAITS = """
SELECT floor(extract(epoch FROM j.enqueued_at - b.beginning) / %s)::int AS span,
       count(*),
       percentile_cont(ARRAY[0.5, 0.99, 1.0]) WITHIN GROUP (
           ORDER BY extract(epoch FROM f.started_at - j.enqueued_at) * 1000)
FROM django_bgtasks_job j
JOIN django_bgtasks_finishedjob f ON f.job_id = j.id,
(SELECT min(enqueued_at) AS beginning FROM django_bgtasks_job) b
GROUP BY 1 ORDER BY 1
"""


@dataclass(frozen=True, slots=True)
class Span:
    """A part of the time: its jobs, and milliseconds of claims and of waiting."""

    second: float
    jobs: int
    claim_p50: float
    claim_p99: float
    wait_p50: float
    wait_p99: float
    wait_most: float


def sample(rate: int, hold: int) -> tuple[list[Figure], list[Span]]:
    """Load one worker process, first ``_BEFORE`` seconds without a snapshot."""
    subject = BgTasks()
    subject.clear()
    with _claims() as path, subject.worker(Workforce(1, 2)) as worker:
        subject.await_idle(worker, Workforce(1))
        began = time.monotonic()
        count = _load(rate, hold)
        elapsed = time.monotonic() - began
        time.sleep(1)
        worker.check()
        claims = [tuple(map(float, line.split())) for line in path.open()]
    spans = _spans(began, (_BEFORE + hold) / _SPANS, claims)
    first = next(n for n, span in enumerate(spans) if span.second >= _BEFORE)
    start, end = spans[first], spans[_SPANS - 1]
    return [
        Figure("jobs", count / elapsed, "/s"),
        Figure("claim p50 without a snapshot", spans[0].claim_p50, "ms"),
        Figure("claim p50 as it begins", start.claim_p50, "ms"),
        Figure("claim p50 at its end", end.claim_p50, "ms"),
        Figure("end against start", end.claim_p50 / start.claim_p50, "x"),
        Figure("wait p50 at its end", end.wait_p50, "ms"),
        Figure("wait p99 at its end", end.wait_p99, "ms"),
        Figure("longest wait without a snapshot", spans[0].wait_most, "ms"),
        Figure("longest wait with it", max(s.wait_most for s in spans[first:]), "ms"),
    ], spans


@contextmanager
def _claims() -> Iterator[Path]:
    with tempfile.NamedTemporaryFile() as file:
        os.environ["BGTASKS_BENCH_CLAIMS"] = file.name
        try:
            yield Path(file.name)
        finally:
            del os.environ["BGTASKS_BENCH_CLAIMS"]


def _load(rate: int, hold: int) -> int:
    """Enqueue at this rate, or as fast as it goes, and return how many."""
    batch = [((1,), {})] * max(1, round(rate * _STEP))
    other = connections.create_connection("default")
    begin = due = time.monotonic()
    count, held = 0, False
    while (now := time.monotonic()) < begin + _BEFORE + hold:
        if not held and now >= begin + _BEFORE:
            held = True
            _hold(other)
        tasks.noop.enqueue_many(batch)
        count += len(batch)
        # After a standstill what is missed is not made up for.
        due = max(due + _STEP, time.monotonic() - 0.1)
        time.sleep(max(0.0, due - time.monotonic()))
    other.rollback()
    other.close()
    return count


def _hold(other: Any) -> None:
    other.set_autocommit(False)
    with other.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        cursor.execute("SELECT 1")


def _spans(began: float, width: float, claims: list[tuple[float, ...]]) -> list[Span]:
    with connection.cursor() as cursor:
        cursor.execute(_WAITS, [width])
        waits = {span: (jobs, cuts) for span, jobs, cuts in cursor.fetchall()}
    found = []
    for number in range(_SPANS):
        low, high = began + number * width, began + (number + 1) * width
        seconds = [took for end, took in claims if low <= end < high]
        jobs, cuts = waits[number]
        p50, p99 = (percentile(seconds, share) * 1e3 for share in (0.5, 0.99))
        found.append(Span(number * width, jobs, p50, p99, *map(float, cuts)))
    return found
