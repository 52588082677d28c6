"""Rows by the million, made by the database itself."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from django.db import connection, transaction

from django_bgtasks.models import DeferredJob, FinishedJob, Job, ReadyJob

from .. import tables

_BATCH = 250_000
# What is waiting has been so for long enough that no floor hides it.
_AGE = timedelta(hours=1)
# Between two rows, in microseconds: ten million are a quarter of an hour.
_STEP = 90


_FINISHED = (
    "job_id, outcome, attempt, worker, started_at, finished_at, return_value, "
    "keep_until"
)
# Columns and expressions of the rows beside those of their jobs.
_KINDS = {
    "waiting": (
        ReadyJob,
        "job_id, queue_name, {rank}, ready_at, attempt",
        "{key}, {queue}, 0, {moment}, 1",
    ),
    "finished": (
        FinishedJob,
        _FINISHED,
        "{key}, 'succeeded', 1, 'w', {moment}, {moment}, '1', {later}",
    ),
    "deferred": (
        DeferredJob,
        "job_id, queue_name, {rank}, run_after, attempt",
        "{key}, {queue}, 0, {later}, 1",
    ),
}


def up_to(seconds: int, *counts: int) -> bool:
    """Add jobs until so many wait, have finished and are deferred.

    Return whether there are; after so many ``seconds`` the rest is for another time.
    """
    deadline = time.monotonic() + seconds
    for kind, count in zip(_KINDS, counts, strict=True):
        missing = count - _KINDS[kind][0].objects.count()
        start = Job.objects.count() + 1
        while missing > 0:
            if time.monotonic() > deadline:
                return False
            some = min(missing, _BATCH)
            _add(kind, start, some, 1)
            start, missing = start + some, missing - some
    if time.monotonic() > deadline:
        return False
    analyze()
    return True


def waiting(count: int, queues: int) -> None:
    """Add jobs that are ready, spread over queues ``q0``, ``q1`` and so on.

    With one queue its name is ``default``.
    """
    _add("waiting", 1, count, queues)


def nothing_waits() -> None:
    """Delete all jobs that are ready."""
    tables.run(f"DELETE FROM {tables.table(ReadyJob)}")


def analyze() -> None:
    """Have the statistics that a server gathers by itself, sooner or later."""
    tables.analyze((Job, ReadyJob, DeferredJob, FinishedJob))


def _add(kind: str, start: int, count: int, queues: int) -> None:
    """Add jobs of the numbers from ``start`` on, wholly or not at all."""
    model, columns, values = _KINDS[kind]
    words = _Words(_epoch(), queues)
    body = "{key}, 'benchmarks.tasks.noop', 'default', {queue}, 0, '[1]', '{{}}', "
    body += "{moment}"
    names = "id, task_path, backend, queue_name, priority, args, kwargs, enqueued_at"
    with transaction.atomic():
        for table, named, wanted in ((Job, names, body), (model, columns, values)):
            tables.run(
                f"INSERT INTO {tables.table(table)} ({words(named)}) "
                f"SELECT {words(wanted)} FROM {words.series(start, start + count - 1)}"
            )


def _epoch() -> datetime:
    """Return the time that the jobs of a database are numbered from."""
    first = Job.objects.order_by("pk").values_list("enqueued_at", flat=True).first()
    return (first or datetime.now(UTC) - _AGE).replace(microsecond=0)


class _Words:
    """Expressions of a row's number ``n``, as each database spells them."""

    def __init__(self, start: datetime, queues: int) -> None:
        self._start = start
        self._queues = queues
        self._vendor = connection.vendor

    def __call__(self, template: str) -> str:
        rank = connection.ops.quote_name("rank")
        return template.format(
            rank=rank,
            key=self._key(),
            queue=self._queue(),
            moment=self._moment(self._start),
            later=self._moment(self._start + timedelta(days=1)),
        )

    def series(self, first: int, last: int) -> str:
        if self._vendor == "postgresql":
            return f"(SELECT generate_series({first}::bigint, {last}) AS n) s"
        if self._vendor == "mysql":
            return f"(SELECT seq AS n FROM seq_{first}_to_{last}) s"
        return (
            f"(WITH RECURSIVE s(n) AS (SELECT {first} UNION ALL SELECT n + 1 FROM s "
            f"WHERE n < {last}) SELECT n FROM s) s"
        )

    def _moment(self, start: datetime) -> str:
        if self._vendor == "postgresql":
            later = f"n * {_STEP} * interval '1 microsecond'"
            return f"timestamptz '{start.isoformat()}' + {later}"
        if self._vendor == "mysql":
            plain = f"{start:%Y-%m-%d %H:%M:%S}"
            return f"DATE_ADD('{plain}', INTERVAL n * {_STEP} MICROSECOND)"
        seconds = f"{start.timestamp()} + n * {_STEP} / 1000000.0"
        return f"strftime('%Y-%m-%d %H:%M:%f', {seconds}, 'unixepoch')"

    def _key(self) -> str:
        milliseconds = f"{int(self._start.timestamp() * 1000)} + n / 11"
        if self._vendor == "postgresql":
            return (
                f"(lpad(to_hex({milliseconds}), 12, '0') || '70008' || "
                f"lpad(to_hex(n), 15, '0'))::uuid"
            )
        if self._vendor == "mysql":
            return (
                f"LOWER(CONCAT(LPAD(HEX(FLOOR({milliseconds})), 12, '0'), '70008', "
                f"LPAD(HEX(n), 15, '0')))"
            )
        return f"printf('%012x70008%015x', {milliseconds}, n)"

    def _queue(self) -> str:
        if self._queues == 1:
            return "'default'"
        number = f"n % {self._queues}"
        if self._vendor == "mysql":
            return f"CONCAT('q', {number})"
        return f"'q' || ({number})"
