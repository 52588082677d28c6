"""What the mass verbs call, where the database decides."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection

from django_bgtasks.conf import Retention
from django_bgtasks.lifecycle import operate
from django_bgtasks.models import FinishedJob, ReadyJob, RunningJob
from django_bgtasks.overview import jobs as overview
from django_bgtasks.testing import run_pending

from . import tasks

pytestmark = pytest.mark.django_db
DAY = Retention(timedelta(days=1), timedelta(days=1))


def test_each_job_is_told_by_what_became_of_it(claim_job: Any) -> None:
    finished = tasks.succeed.enqueue()
    run_pending()
    running = tasks.succeed.enqueue()
    claim_job()
    ready = tasks.succeed.enqueue()
    deferred = tasks.succeed.using(run_after=timedelta(hours=1)).enqueue()
    missing = uuid4()
    ids = [UUID(each.id) for each in (finished, running, ready, deferred)]
    cancelled = operate.cancel_many(connection, [*ids, missing], DAY)
    assert set(cancelled.waiting) == {ids[2], ids[3]}
    assert cancelled.running == [ids[1]]
    assert cancelled.finished == [ids[0]]
    assert cancelled.missing == [missing]


def test_cancelled_jobs_are_kept_as_failed_ones() -> None:
    result = tasks.succeed.enqueue()
    operate.cancel_many(connection, [UUID(result.id)], DAY)
    row = FinishedJob.objects.get()
    assert (row.outcome, row.attempt) == ("cancelled", 0)
    assert row.keep_until is not None
    assert row.keep_until - row.finished_at == timedelta(days=1)


def test_cancelling_nothing_is_fine() -> None:
    assert operate.cancel_many(connection, [], DAY) == ([], [], [], [])


def test_claimed_since_it_was_looked_up_is_told_to_stop(claim_job: Any) -> None:
    result = tasks.succeed.enqueue()
    choice = overview.Choice(states=("ready",))
    (batch,) = overview.batches("default", choice)
    claim_job()
    cancelled = operate.cancel_many(connection, batch, DAY)
    assert cancelled.running == [UUID(result.id)]
    assert RunningJob.objects.get().cancel_requested


def test_batches_meet_a_job_that_moves_on(claim_job: Any) -> None:
    later = tasks.succeed.using(run_after=timedelta(hours=1)).enqueue()
    tasks.succeed.enqueue()
    choice = overview.Choice(states=overview.UNFINISHED)
    found = []
    for batch in overview.batches("default", choice):
        found += batch
        if ReadyJob.objects.exists():
            # While the deferred ones are seen to, the ready one is claimed.
            claim_job()
    assert len(found) == len(set(found)) == 2
    assert UUID(later.id) in found
