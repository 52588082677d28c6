"""Fill the tables as a site does in a month, by the database itself: in minutes.

Of the finished jobs 2 % have failed. Jobs are of eight queues and twenty tasks, and
the waiting ones have been ready for up to an hour.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta

from django.db import connection

from django_bgtasks.models import (
    Attempt,
    DeferredJob,
    Failure,
    FinishedJob,
    Job,
    Process,
    ReadyJob,
    Rollup,
    RunningJob,
    Schedule,
)
from django_bgtasks.upkeep import presence
from django_bgtasks.vendors import vendor_of

from .tables import analyze, run, table

QUEUES = ("default", "mail", "slow", "reports", "images", "search", "import", "sms")
DAYS = 30
_BATCH = 500_000
_FAILS = 50
_LARGE = (Job, FinishedJob, ReadyJob, Attempt, Failure, Rollup)
_TRACEBACK = "Traceback (most recent call last):\n" + "".join(
    f'  File "shop/mail.py", line {line}, in step_{line}\n    send(user)\n'
    for line in range(12)
)


def seed(finished: int, waiting: int, say: Callable[[str], None]) -> None:
    """Insert so many jobs, with what belongs to them."""
    total = finished + waiting
    if connection.vendor == "postgresql":
        # What reads them sees no difference, and the disk is spared.
        for model in _LARGE:
            run(f"ALTER TABLE {table(model)} SET UNLOGGED")
    sql = _dialect()(total)
    started = time.monotonic()
    for first in range(1, total + 1, _BATCH):
        last = min(first + _BATCH - 1, total)
        run(_bodies(sql, first, last))
        say(f"  {last:,} bodies, {time.monotonic() - started:.0f} s")
    border = f"n <= {finished}"
    for about, statement in (
        ("finished", _finished(sql, border)),
        ("attempts", _attempts()),
        ("failures", _failures()),
        ("ready", _ready(sql, finished)),
    ):
        run(statement)
        say(f"  {about}, {time.monotonic() - started:.0f} s")
    _people()
    _rollups()
    analyze(_LARGE)
    say(f"  all else, {time.monotonic() - started:.0f} s")


class _PostgreSQL:
    """How numbers become rows. Bodies of ``n`` up to the border have finished."""

    cast_id = "::uuid"

    def __init__(self, total: int) -> None:
        self.total = total
        # Microseconds between two enqueues.
        self.step = DAYS * 86_400_000_000 // total

    def series(self, first: int, last: int) -> str:
        return f"(SELECT generate_series({first}::bigint, {last}) AS n) s"

    def moment(self) -> str:
        late = f"({self.total} - n) * {self.step}"
        return f"date_trunc('minute', now()) - {late} * interval '1 microsecond'"

    def key(self) -> str:
        milliseconds = f"floor(extract(epoch FROM {self.moment()}) * 1000)::bigint"
        return (
            f"(lpad(to_hex({milliseconds}), 12, '0') || '7' || "
            f"lpad(to_hex(n % 4096), 3, '0') || '8' || lpad(to_hex(n), 15, '0'))::uuid"
        )

    def text(self, *parts: str) -> str:
        return " || ".join(parts)

    def later(self, column: str, seconds: int) -> str:
        return f"{column} + interval '{seconds} seconds'"

    def pick(self, values: tuple[str, ...]) -> str:
        chosen = ", ".join(f"'{value}'" for value in values)
        return f"(ARRAY[{chosen}])[1 + n % {len(values)}]"

    def string(self, number: str) -> str:
        return f"({number})::text"

    def number_of(self, key: str) -> str:
        """The number that a body was made of: the last digits of its id."""
        return f"('x' || right(replace({key}::text, '-', ''), 15))::bit(60)::bigint"


class _SQLite(_PostgreSQL):
    def series(self, first: int, last: int) -> str:
        return (
            f"(WITH RECURSIVE s(n) AS (SELECT {first} UNION ALL SELECT n + 1 FROM s "
            f"WHERE n < {last}) SELECT n FROM s) s"
        )

    def _seconds(self) -> str:
        now = f"{int(time.time() // 60 * 60)}"
        return f"({now} - ({self.total} - n) * {self.step} / 1000000.0)"

    def moment(self) -> str:
        return f"strftime('%Y-%m-%d %H:%M:%f', {self._seconds()}, 'unixepoch')"

    def key(self) -> str:
        milliseconds = f"CAST({self._seconds()} * 1000 AS INTEGER)"
        return f"printf('%012x7%03x8%015x', {milliseconds}, n % 4096, n)"

    def later(self, column: str, seconds: int) -> str:
        return f"strftime('%Y-%m-%d %H:%M:%f', {column}, '+{seconds} seconds')"

    def pick(self, values: tuple[str, ...]) -> str:
        cases = " ".join(f"WHEN {n} THEN '{v}'" for n, v in enumerate(values))
        return f"CASE n % {len(values)} {cases} END"

    def string(self, number: str) -> str:
        return f"CAST({number} AS TEXT)"

    def number_of(self, key: str) -> str:
        return "rowid"


class _MySQL(_SQLite):
    def series(self, first: int, last: int) -> str:
        return f"(SELECT seq AS n FROM seq_{first}_to_{last}) s"

    def moment(self) -> str:
        late = f"({self.total} - n) * {self.step}"
        start = "DATE_FORMAT(UTC_TIMESTAMP(6), '%Y-%m-%d %H:%i:00')"
        return f"DATE_SUB(CAST({start} AS DATETIME(6)), INTERVAL {late} MICROSECOND)"

    def key(self) -> str:
        milliseconds = f"FLOOR({self._seconds()} * 1000)"
        return (
            f"LOWER(CONCAT(LPAD(HEX({milliseconds}), 12, '0'), '7', "
            f"LPAD(HEX(n % 4096), 3, '0'), '8', LPAD(HEX(n), 15, '0')))"
        )

    def text(self, *parts: str) -> str:
        return f"CONCAT({', '.join(parts)})"

    def later(self, column: str, seconds: int) -> str:
        return f"DATE_ADD({column}, INTERVAL {seconds} SECOND)"

    def string(self, number: str) -> str:
        return f"CAST({number} AS CHAR)"

    def number_of(self, key: str) -> str:
        return f"CONV(RIGHT(REPLACE({key}, '-', ''), 15), 16, 10)"


def _dialect() -> type[_PostgreSQL]:
    if connection.vendor == "postgresql":
        return _PostgreSQL
    return _SQLite if connection.vendor == "sqlite" else _MySQL


def _bodies(sql: _PostgreSQL, first: int, last: int) -> str:
    path = sql.text("'shop.tasks.task_'", sql.string("n * 7 % 20"))
    args = sql.text("'[' ", sql.string("n"), "']'")
    kwargs = sql.text("""'{"email": "user'""", sql.string("n"), """'@example.com"}'""")
    return (
        f"INSERT INTO {table(Job)} (id, task_path, backend, queue_name, priority, "
        f"args, kwargs, enqueued_at) SELECT {sql.key()}, {path}, 'default', "
        f"{sql.pick(QUEUES)}, 0, {args}, {kwargs}, {sql.moment()} "
        f"FROM {sql.series(first, last)}"
    )


def _numbered(sql: _PostgreSQL) -> str:
    return (
        f"(SELECT id, task_path, queue_name, enqueued_at, {sql.number_of('id')} AS n "
        f"FROM {table(Job)}) j"
    )


def _finished(sql: _PostgreSQL, border: str) -> str:
    columns = "job_id, outcome, attempt, worker, started_at, finished_at"
    outcome = f"CASE WHEN n % {_FAILS} = 0 THEN 'failed' ELSE 'succeeded' END"
    worker = sql.text("'shop-1-210-a3f1.'", sql.string("n % 4"))
    ended = sql.later("enqueued_at", 2)
    return (
        f"INSERT INTO {table(FinishedJob)} ({columns}, return_value, keep_until) "
        f"SELECT id, {outcome}, 1, {worker}, {sql.later('enqueued_at', 1)}, {ended}, "
        f"'null', {sql.later('enqueued_at', 86_400 * 40)} "
        f"FROM {_numbered(sql)} WHERE {border}"
    )


def _exception() -> str:
    cases = (
        "smtplib.SMTPAuthenticationError",
        "smtplib.SMTPServerDisconnected",
        "builtins.ValueError",
        "shop.errors.OutOfStock",
    )
    ends = " ".join(
        f"WHEN j.task_path LIKE '%{n}' THEN '{case}'" for n, case in enumerate(cases)
    )
    return f"CASE {ends} ELSE 'builtins.KeyError' END"


def _attempts() -> str:
    return (
        f"INSERT INTO {table(Attempt)} (job_id, attempt, outcome, worker, started_at, "
        f"finished_at, exception_class_path, traceback) SELECT f.job_id, 1, f.outcome, "
        f"f.worker, f.started_at, f.finished_at, {_exception()}, '{_TRACEBACK}' "
        f"FROM {table(FinishedJob)} f JOIN {table(Job)} j ON j.id = f.job_id "
        f"WHERE f.outcome = 'failed'"
    )


def _failures() -> str:
    return (
        f"INSERT INTO {table(Failure)} (job_id, task_path, exception_class_path, "
        f"failed_at) SELECT f.job_id, j.task_path, {_exception()}, f.finished_at "
        f"FROM {table(FinishedJob)} f JOIN {table(Job)} j ON j.id = f.job_id "
        f"WHERE f.outcome = 'failed'"
    )


def _ready(sql: _PostgreSQL, finished: int) -> str:
    rank = connection.ops.quote_name("rank")
    return (
        f"INSERT INTO {table(ReadyJob)} (job_id, queue_name, {rank}, ready_at, "
        f"attempt) SELECT id, queue_name, 0, enqueued_at, 1 FROM {_numbered(sql)} "
        f"WHERE n > {finished}"
    )


def _people() -> None:
    """Workers that run jobs, deferred jobs, and schedules."""
    vendor = vendor_of(connection)
    now = vendor.now()
    ids = list(ReadyJob.objects.order_by("-pk").values_list("pk", flat=True)[:1_100])
    ReadyJob.objects.filter(pk__in=ids).delete()
    for number in range(4):
        name = f"shop-1-210-a3f1.{number}"
        arrival = presence.Arrival(Process.Kind.WORKER, name, 4711, None, QUEUES, 25)
        pk = presence.arrive(vendor, arrival)
        RunningJob.objects.bulk_create(
            RunningJob(job_id=job, process_id=pk, attempt=1, claimed_at=now)
            for job in ids[number * 25 : (number + 1) * 25]
        )
    DeferredJob.objects.bulk_create(
        DeferredJob(
            job_id=job, queue_name="mail", rank=0, run_after=now + timedelta(seconds=n)
        )
        for n, job in enumerate(ids[100:])
    )
    for number in range(50):
        Schedule.objects.create(
            name=f"schedule {number}",
            task_path=f"shop.tasks.task_{number % 20}",
            crontab="@daily",
        )


def _rollups() -> None:
    """Figures as upkeep leaves them: minutes, ten minutes, hours."""
    now = vendor_of(connection).now().replace(second=0, microsecond=0)
    spans = (
        (Rollup.Span.MINUTE, 0, 120),
        (Rollup.Span.TEN_MINUTES, 120, 2 * 1440),
        (Rollup.Span.HOUR, 2 * 1440, 35 * 1440),
    )
    Rollup.objects.bulk_create(
        (
            Rollup(
                span=span,
                start_at=now - timedelta(minutes=minute),
                queue_name=queue,
                succeeded=minute % 97,
                failed=minute % 7,
                wait_sum=minute % 31 / 3,
            )
            for span, first, last in spans
            for minute in range(first, last, span // 60)
            for queue in QUEUES
        ),
        batch_size=1_000,
    )
