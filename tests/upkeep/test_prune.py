from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.db import connection

from django_bgtasks.models import Attempt, FinishedJob, Job, JobProgress
from django_bgtasks.upkeep.prune import prune, prune_older
from tests.elsewhere import elsewhere, impatient

from . import tasks

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def finish(worker, count, keep_until=LONG_AGO):
    """Run so many jobs, to be kept until then."""
    results = tasks.echo.enqueue_many(((n,), {}) for n in range(count))
    worker.run_ready()
    ids = [UUID(result.id) for result in results]
    FinishedJob.objects.filter(pk__in=ids).update(keep_until=keep_until)
    return ids


def test_job_is_deleted_with_all_that_belongs_to_it(worker):
    tasks.tell.enqueue()
    tasks.fail_later.enqueue().cancel()
    failed = tasks.echo.enqueue()
    Job.objects.filter(pk=failed.id).update(args='["x"]', kwargs='{"no": 1}')
    worker.run_all()
    assert Attempt.objects.count() == JobProgress.objects.count() == 1
    FinishedJob.objects.update(keep_until=LONG_AGO)
    assert prune(connection) == 3
    for model in (Job, FinishedJob, Attempt, JobProgress):
        assert model.objects.count() == 0


def test_job_whose_time_has_not_come_is_kept(worker):
    finish(worker, 1, worker.vendor.now() + timedelta(hours=1))
    assert prune(connection) == 0
    assert Job.objects.count() == 1


def test_job_that_is_kept_for_ever_is_kept(worker):
    finish(worker, 1, keep_until=None)
    assert prune(connection, until=datetime(9000, 1, 1, tzinfo=UTC)) == 0


def test_jobs_that_have_not_finished_are_never_deleted(worker):
    tasks.echo.enqueue()
    tasks.echo.using(run_after=3600).enqueue()
    tasks.fail_later.enqueue()
    worker.claim(limit=1)
    assert prune(connection, until=datetime(9000, 1, 1, tzinfo=UTC)) == 0
    assert Job.objects.count() == 3


def test_batch_is_no_larger_than_asked_for_and_takes_the_longest_due_first(worker):
    recent = finish(worker, 2, LONG_AGO + timedelta(days=1))
    oldest = finish(worker, 2)
    assert prune(connection, limit=3) == 3
    (left,) = Job.objects.values_list("pk", flat=True)
    assert left in recent
    assert prune(connection, limit=3) == 1
    assert not Job.objects.filter(pk__in=oldest).exists()


def test_moment_may_stand_in_for_the_clock(worker):
    now = worker.vendor.now()
    finish(worker, 1, now + timedelta(hours=1))
    assert prune(connection, until=now + timedelta(hours=2)) == 1


@pytest.mark.only_on("postgresql", "mariadb", "mysql")
def test_job_that_somebody_else_holds_is_skipped_not_waited_for(committing_worker):
    held, *rest = finish(committing_worker, 40)
    with elsewhere() as other, impatient():
        other.begin()
        other.run(lambda: list(FinishedJob.objects.select_for_update().filter(pk=held)))
        # Nor is a transaction waited for that has enqueued a job and goes on.
        other.run(tasks.echo.enqueue)
        assert prune(connection) == len(rest)
        assert list(Job.objects.values_list("pk", flat=True)) == [held]
        other.rollback()
    assert prune(connection) == 1


def test_jobs_that_finished_before_a_moment_are_deleted_whatever_their_retention(
    worker,
):
    old = finish(worker, 3, keep_until=None)
    moment = worker.vendor.now()
    kept = finish(worker, 1)
    assert prune_older(connection, moment, limit=2) == old[:2]
    assert prune_older(connection, moment, after=old[1]) == old[2:]
    assert prune_older(connection, moment) == []
    assert list(Job.objects.values_list("pk", flat=True)) == kept


def test_job_enqueued_before_a_moment_but_finished_after_it_is_kept(worker):
    result = tasks.echo.enqueue()
    moment = worker.vendor.now()
    worker.run_result(result)
    assert prune_older(connection, moment) == []
    assert Job.objects.count() == 1
