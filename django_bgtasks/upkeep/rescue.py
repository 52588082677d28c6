"""Rescue: make the jobs of a dead process ready again."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from django.db.models import Count

from ..conf import Options
from ..exceptions import TaskLost, TaskTimeout
from ..models import (
    MOST_ATTEMPTS,
    Attempt,
    DeferredJob,
    Failure,
    FinishedJob,
    Job,
    OutcomeKind,
    Process,
    ReadyJob,
    Rollup,
    RunningJob,
    table_of,
)
from ..results import public
from ..vendors import Vendor
from .aside import SPOILED, set_aside
from .deaths import Death, find_dead, path_of

__all__ = ["Death", "Rescued", "find_dead", "rescue"]

BATCH = 500
# A job that was lost with others beside it may be an innocent one, and is failed
# only after so many times as many losses. Those that were lost before come back
# spread over so many seconds, so that the guilty one is soon alone.
_BENEFIT_OF_DOUBT = 3
_SPREAD = 5.0


@dataclass(slots=True)
class Rescued:
    """Jobs by what became of them: to run again, or failed for good.

    ``held`` says that there are others, whose rows a session still holds.
    """

    ready: list[UUID] = field(default_factory=list)
    failed: list[UUID] = field(default_factory=list)
    held: bool = False

    def __bool__(self) -> bool:
        return bool(self.ready or self.failed)


def rescue(vendor: Vendor, death: Death, options: Options) -> Rescued:
    """Delete the row of a dead process, and take its jobs from it.

    A lost attempt is recorded and counted; after OPTIONS["MAX_LOST"] of them the
    job is FAILED, since it may be what kills. A job that was not begun loses
    nothing; one that was cancelled is finished so. None is waited for: what the
    session of the process still holds is left to a later call. Nor does one whose
    row was spoiled by hand keep the others: it is set aside.
    """
    alias = vendor.connection.alias
    # First, for it may live after all: from now on it can claim nothing more.
    Process.objects.using(alias).filter(pk=death.process).delete()
    rescued = Rescued()
    most = BATCH
    while True:
        try:
            batch = vendor.persist(partial(_rescue_batch, vendor, death, options, most))
        except SPOILED:
            if most == 1:
                rescued.failed += set_aside(vendor, death, options)
            most = 1
            continue
        if not batch:
            break
        rescued.ready += [row.job_id for row in batch.ready]
        rescued.ready += [row.job_id for row in batch.deferred]
        rescued.failed += [row.job_id for row in batch.finished]
    left = RunningJob.objects.using(alias).filter(process_id=death.process)
    rescued.held = left.exists()
    return rescued


@dataclass(slots=True)
class _Batch:
    """The rows that rescued jobs go on with."""

    rows: list[RunningJob]
    ready: list[ReadyJob] = field(default_factory=list)
    deferred: list[DeferredJob] = field(default_factory=list)
    finished: list[FinishedJob] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.rows)


def _rescue_batch(vendor: Vendor, death: Death, options: Options, most: int) -> _Batch:
    alias = vendor.connection.alias
    with vendor.atomic():
        mine = RunningJob.objects.using(alias).filter(process_id=death.process)
        batch = _Batch(list(vendor.skip_taken(mine.order_by("pk"))[:most]))
        if not batch:
            return batch
        now = vendor.now()
        keys = [row.job_id for row in batch.rows]
        # Not the arguments, which may be megabytes each.
        some = Job.objects.using(alias).only("queue_name", "priority", "task_path")
        jobs = some.in_bulk(keys)
        lost = [
            row for row in batch.rows if row.job_id in jobs and death.counts(row.job_id)
        ]
        _sort(jobs, batch, death, _times_lost(alias, lost), options, now)
        Attempt.objects.using(alias).bulk_create(
            _lost_attempt(row, death, now) for row in lost
        )
        vendor.delete(table_of(RunningJob, vendor), [key.hex for key in keys])
        FinishedJob.objects.using(alias).bulk_create(batch.finished)
        Failure.objects.using(alias).bulk_create(_failures(batch, jobs, death))
        Rollup.objects.using(alias).bulk_create(_figures(batch, jobs, lost, now))
        ReadyJob.objects.using(alias).bulk_create(batch.ready)
        DeferredJob.objects.using(alias).bulk_create(batch.deferred)
    return batch


def _sort(
    jobs: dict[UUID, Job],
    batch: _Batch,
    death: Death,
    times_lost: dict[UUID, int],
    options: Options,
    now: datetime,
) -> None:
    """Decide what becomes of each job. One whose body is gone is forgotten."""
    most = options.max_lost * (_BENEFIT_OF_DOUBT if death.blames_many else 1)
    for row in batch.rows:
        job, times = jobs.get(row.job_id), times_lost.get(row.job_id, 0)
        if job is None:
            continue
        attempt = row.attempt + (times > 0)
        if row.cancel_requested or times >= most or attempt > MOST_ATTEMPTS:
            batch.finished.append(_finished(row, death, now, options))
        elif times > 1 and death.blames_many:
            delay = timedelta(seconds=random.uniform(0, _SPREAD))
            due = public(now + delay)
            batch.deferred.append(DeferredJob(run_after=due, **job.place(attempt)))
        else:
            batch.ready.append(ReadyJob(ready_at=public(now), **job.place(attempt)))


def _times_lost(alias: str, lost: list[RunningJob]) -> dict[UUID, int]:
    """Return how often each of these was lost, this time included."""
    before = (
        Attempt.objects.using(alias)
        .filter(job_id__in=[row.job_id for row in lost], outcome=OutcomeKind.LOST)
        .values("job_id")
        .annotate(times=Count("pk"))
    )
    times = dict(before.values_list("job_id", "times"))
    return {row.job_id: times.get(row.job_id, 0) + 1 for row in lost}


def _failures(batch: _Batch, jobs: dict[UUID, Job], death: Death) -> Iterator[Failure]:
    for row in batch.finished:
        if row.outcome == OutcomeKind.LOST:
            path = jobs[row.job_id].task_path
            yield Failure(
                job_id=row.job_id,
                task_path=path,
                exception_class_path=path_of(_error(row.job_id, death)),
                failed_at=row.finished_at,
            )


def _figures(
    batch: _Batch, jobs: dict[UUID, Job], lost: list[RunningJob], now: datetime
) -> Iterable[Rollup]:
    """Count the lost attempts, as their worker would have counted what they became."""
    ends = {row.job_id: row.outcome for row in batch.finished}
    minute = public(now.replace(second=0, microsecond=0))
    found: dict[str, Rollup] = {}
    for row in lost:
        name = jobs[row.job_id].queue_name
        if name not in found:
            span = Rollup.Span.PART
            found[name] = Rollup(span=span, start_at=minute, queue_name=name)
        end = ends.get(row.job_id)
        column = "cancelled" if end == OutcomeKind.CANCELLED else "failed"
        column = column if end else "retried"
        setattr(found[name], column, getattr(found[name], column) + 1)
    return found.values()


def _error(job_id: UUID, death: Death) -> type[BaseException]:
    return TaskTimeout if job_id in death.overdue else TaskLost


def _lost_attempt(row: RunningJob, death: Death, now: datetime) -> Attempt:
    path = path_of(_error(row.job_id, death))
    story = f"Process {death.name} died while it ran the job."
    if row.job_id in death.overdue:
        story = (
            f"The task did not yield to its timeout, so process {death.name} was "
            f"killed."
        )
    return Attempt(
        job_id=row.job_id,
        attempt=row.attempt,
        outcome=OutcomeKind.LOST,
        worker=death.name,
        started_at=row.claimed_at,
        finished_at=public(now),
        exception_class_path=path,
        traceback=f"{path}: {story}\n",
    )


def _finished(
    row: RunningJob, death: Death, now: datetime, options: Options
) -> FinishedJob:
    keep = options.retention.failed
    cancelled = row.cancel_requested
    return FinishedJob(
        job_id=row.job_id,
        outcome=OutcomeKind.CANCELLED if cancelled else OutcomeKind.LOST,
        attempt=row.attempt,
        worker=death.name,
        started_at=row.claimed_at,
        finished_at=public(now),
        keep_until=None if keep is None else public(now + keep),
    )
