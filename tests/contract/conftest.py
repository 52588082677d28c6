from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import Model

from django_bgtasks.ids import uuid7
from django_bgtasks.models import (
    DeferredJob,
    FinishedJob,
    Job,
    Process,
    Queue,
    ReadyJob,
    RunningJob,
    table_of,
)
from django_bgtasks.vendors import (
    Insert,
    Lane,
    Move,
    Swap,
    Table,
    Take,
    Taken,
    Vendor,
    vendor_of,
)
from tests.elsewhere import Elsewhere, elsewhere

OWNER = 7
START = datetime(2026, 1, 1, tzinfo=UTC)
# What a take is asked to read of the body.
READ = ("task_path", "args", "run_after")


class Rows:
    """The vendor's tables, filled and read in a few words."""

    @property
    def vendor(self) -> Vendor:
        return vendor_of(connection)

    def now(self) -> datetime:
        return self.vendor.now()

    def prepare(self) -> None:
        """Set this thread's connection up as a worker's."""
        self.vendor.prepare_worker()

    def table(self, model: type[Model]) -> Table:
        return table_of(model, self.vendor)

    def insert(
        self,
        model: type[Model],
        columns: tuple[str, ...],
        rows: list[Any],
        clock: tuple[str, ...] = (),
    ) -> Insert:
        return Insert(self.table(model), columns, rows, clock)

    def bodies(self, keys: list[str], args: str = "[]") -> Insert:
        columns = ("id", "task_path", "backend", "queue_name", "priority")
        rows = [(key, "a.b", "default", "q", 0, args, "{}") for key in keys]
        return self.insert(Job, (*columns, "args", "kwargs"), rows, ("enqueued_at",))

    def ready(
        self,
        count: int = 1,
        queue: str = "q",
        rank: int = 0,
        start: datetime = START,
        attempt: int = 1,
    ) -> list[str]:
        """Insert jobs that were ready one second after the other."""
        keys = [uuid7().hex for _ in range(count)]
        moments = [
            self.vendor.to_database(start + timedelta(seconds=number))
            for number in range(count)
        ]
        rows = [
            (key, queue, rank, moment, attempt)
            for key, moment in zip(keys, moments, strict=True)
        ]
        columns = ("job_id", "queue_name", "rank", "ready_at", "attempt")
        self.vendor.put([self.bodies(keys), self.insert(ReadyJob, columns, rows)])
        return keys

    def running(self, count: int = 1, attempt: int = 1) -> list[str]:
        """Insert jobs that OWNER runs."""
        keys = [uuid7().hex for _ in range(count)]
        rows = [(key, OWNER, attempt, False) for key in keys]
        columns = ("job_id", "process_id", "attempt", "cancel_requested")
        running = self.insert(RunningJob, columns, rows, ("claimed_at",))
        self.vendor.put([self.bodies(keys), running])
        return keys

    def deferred(self, moments: list[datetime], rank: int = 0) -> list[str]:
        keys = [uuid7().hex for _ in moments]
        rows = [
            (key, "q", rank, 1, self.vendor.to_database(moment))
            for key, moment in zip(keys, moments, strict=True)
        ]
        columns = ("job_id", "queue_name", "rank", "attempt", "run_after")
        deferred = self.insert(DeferredJob, columns, rows)
        self.vendor.put([self.bodies(keys), deferred])
        return keys

    def order(
        self,
        *lanes: Lane,
        limit: int = 100,
        owner: int = OWNER,
        share: int | None = None,
    ) -> Take:
        now = self.now()
        told = {"kind": "worker", "pid": 1, "started_at": now, "heartbeat_at": now}
        Process.objects.get_or_create(pk=owner, defaults=told)
        return Take(
            source=self.table(ReadyJob),
            target=self.table(RunningJob),
            body=self.table(Job),
            closed=self.table(Queue),
            index="bgtasks_ready_claim",
            read=READ,
            lanes=lanes or (Lane("q"),),
            limit=limit,
            owner=owner,
            owners=self.table(Process),
            share=share,
        )

    def take(self, *lanes: Lane, **options: Any) -> list[str]:
        """Take, and return the keys in the order of rank and time."""
        taken = self.taken(*lanes, **options)
        return [row[0] for row in sorted(taken.rows, key=lambda row: row[3:5])]

    def taken(self, *lanes: Lane, **options: Any) -> Taken:
        order = self.order(*lanes, **options)
        _, taken = self.vendor.persist(lambda: self.vendor.exchange(None, order))
        assert taken is not None
        return taken

    def finish(
        self, keys: list[str], attempt: int = 1, owner: int = OWNER, **more: Any
    ) -> Swap:
        """Order the finish of jobs: from RunningJob to FinishedJob."""
        now = self.vendor.to_database(START)
        rows = [(key, "succeeded", attempt, "w", now, now, "1", None) for key in keys]
        columns = ("job_id", "outcome", "attempt", "worker", "started_at")
        columns += ("finished_at", "return_value", "keep_until")
        return Swap(
            table=self.table(RunningJob),
            owner=owner,
            rows=[(key, attempt) for key in keys],
            inserts=[self.insert(FinishedJob, columns, rows)],
            **more,
        )

    def swap(self, swap: Swap) -> set[str]:
        gone, taken = self.vendor.persist(lambda: self.vendor.exchange(swap, None))
        assert taken is None
        return gone

    def promotion(self, limit: int = 100) -> Move:
        return Move(
            source=self.table(DeferredJob),
            target=self.table(ReadyJob),
            due="run_after",
            stamp="ready_at",
            columns=("queue_name", "rank", "attempt"),
            limit=limit,
        )

    def move(self, limit: int = 100) -> int:
        order = self.promotion(limit)
        return self.vendor.persist(lambda: self.vendor.move(order))

    def keys(self, model: type[Model]) -> set[str]:
        """The keys of all rows of a table."""
        return {key.hex for key in model.objects.values_list("pk", flat=True)}


@pytest.fixture
def rows(db: None) -> Rows:
    """Tables in a transaction that is rolled back after the test."""
    return Rows()


@pytest.fixture
def committed(transactional_db: None) -> Rows:
    """Tables whose changes are committed, and seen by other connections."""
    return Rows()


@pytest.fixture
def other(transactional_db: None) -> Iterator[Elsewhere]:
    """A thread with a connection of its own."""
    with elsewhere() as thread:
        yield thread
