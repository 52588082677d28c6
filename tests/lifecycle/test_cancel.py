"""Cancelling: at once while a job waits, by asking while it runs."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from asgiref.sync import async_to_sync

from django_bgtasks import TaskCancelled
from django_bgtasks.compat import TaskResultDoesNotExist, TaskResultStatus
from django_bgtasks.conf import Retention
from django_bgtasks.ids import uuid7
from django_bgtasks.lifecycle import operate
from django_bgtasks.models import Attempt, FinishedJob, Job, RunningJob
from tests.inline import whereabouts

from . import tasks

HOUR = timedelta(hours=1)


def assert_cancelled(result):
    assert result.status == TaskResultStatus.FAILED
    assert result.outcome == "cancelled"
    assert result.is_finished
    assert whereabouts(result) == ["FinishedJob"]


def test_waiting_job_is_finished_at_once(worker):
    result = tasks.echo.enqueue(1)
    assert result.cancel() is True
    assert_cancelled(result)
    assert result.attempts == 0
    assert result.errors == []
    assert result.started_at is None
    assert result.finished_at >= result.enqueued_at
    assert worker.run_all() == []
    assert tasks.seen == []


def test_deferred_job_is_finished_at_once(worker):
    result = tasks.echo.using(run_after=HOUR).enqueue(1)
    assert result.cancel() is True
    assert_cancelled(result)


def test_job_that_waits_for_its_next_attempt_is_finished_with_its_history(worker):
    result = worker.run_result(tasks.fail_with_pauses.enqueue())
    assert result.cancel() is True
    assert_cancelled(result)
    assert result.attempts == len(result.errors) == 1
    assert result.worker_ids == [worker.owner.name]


def test_running_job_is_marked_and_goes_on(worker):
    result = tasks.echo.enqueue(1)
    worker.claim()
    assert result.cancel() is True
    assert result.status == TaskResultStatus.RUNNING
    assert result.cancel_requested is True
    assert whereabouts(result) == ["RunningJob"]


def test_worker_is_told_which_of_its_jobs_were_cancelled(worker):
    results = [tasks.echo.enqueue(number) for number in range(3)]
    keys = [job.id for job in worker.claim()]
    results[1].cancel()
    assert operate.watch_running("default", worker.owner.id, keys) == (
        {keys[1]},
        set(),
    )


def test_worker_is_told_which_jobs_are_its_own_no_more(worker):
    tasks.echo.enqueue_many([((1,), {}), ((2,), {})])
    keys = [job.id for job in worker.claim()]
    RunningJob.objects.filter(pk=keys[0]).delete()
    assert operate.watch_running("default", worker.owner.id, keys) == (
        set(),
        {keys[0]},
    )
    assert operate.watch_running("default", worker.owner.id + 1, keys)[1] == set(keys)


def test_running_job_that_yields_ends_as_cancelled(worker):
    result = worker.run_result(tasks.cancelled.enqueue())
    assert_cancelled(result)
    assert result.attempts == 1
    assert result.errors[0].exception_class is TaskCancelled


def test_cancelled_job_is_not_retried_though_attempts_are_left(worker):
    result = tasks.cancelled_though_retried.enqueue()
    worker.run_all()
    result.refresh()
    assert_cancelled(result)
    assert result.attempts == 1


def test_job_that_fails_after_it_was_cancelled_is_not_retried(worker):
    result = tasks.fail_at_once.enqueue()
    outcome = worker.execute(worker.claim_one())
    # The worker has not even heard of it.
    assert result.cancel() is True
    assert worker.finish(outcome).written == [outcome]
    result.refresh()
    assert_cancelled(result)
    assert result.errors[0].exception_class is ValueError


def test_other_retries_of_the_batch_are_not_affected(worker):
    results = [tasks.fail_at_once.enqueue() for _ in range(3)]
    outcomes = [worker.execute(job) for job in worker.claim()]
    results[1].cancel()
    worker.finish(*outcomes)
    for result in results:
        result.refresh()
    assert [each.outcome for each in results] == [None, "cancelled", None]


def test_running_job_that_succeeds_all_the_same_has_succeeded(worker):
    result = tasks.echo.enqueue(1)
    job = worker.claim_one()
    result.cancel()
    worker.run(job)
    result.refresh()
    assert result.status == TaskResultStatus.SUCCESSFUL


def test_finished_job_cannot_be_cancelled(worker):
    result = worker.run_result(tasks.echo.enqueue(1))
    assert result.cancel() is False
    assert result.status == TaskResultStatus.SUCCESSFUL
    failed_ = worker.run_result(tasks.fail.enqueue())
    assert failed_.cancel() is False
    assert failed_.outcome == "failed"


def test_job_cannot_be_cancelled_twice(db):
    result = tasks.echo.enqueue(1)
    assert result.cancel() is True
    assert result.cancel() is False
    assert FinishedJob.objects.count() == 1


def test_job_that_is_gone_cannot_be_cancelled(db):
    result = tasks.echo.enqueue(1)
    result.cancel()
    FinishedJob.objects.all().delete()
    Job.objects.all()._raw_delete("default")
    with pytest.raises(TaskResultDoesNotExist):
        result.cancel()


def test_job_can_be_cancelled_from_a_coroutine(db):
    result = tasks.echo.enqueue(1)
    assert async_to_sync(result.acancel)() is True
    assert_cancelled(result)


def test_many_are_cancelled_at_once_and_sorted_by_what_became_of_them(worker):
    running = tasks.echo.enqueue("running")
    worker.claim()
    ready, later = tasks.echo.enqueue(1), tasks.echo.using(run_after=HOUR).enqueue()
    done = tasks.echo.enqueue()
    done.cancel()
    unknown = uuid7()
    ids = [UUID(each.id) for each in (running, ready, later, done)]
    found = operate.cancel_many(worker.vendor.connection, [*ids, unknown], Retention())
    assert set(found.waiting) == {ids[1], ids[2]}
    assert found.running == [ids[0]]
    assert found.finished == [ids[3]]
    assert found.missing == [unknown]


def test_cancelled_job_is_kept_as_long_as_a_failed_one(db, options):
    options(RETENTION={"failed": "3d"})
    result = tasks.echo.enqueue(1)
    result.cancel()
    finished = FinishedJob.objects.get()
    assert finished.keep_until - finished.finished_at == timedelta(days=3)
    options(RETENTION={"failed": None})
    tasks.echo.enqueue(1).cancel()
    assert FinishedJob.objects.latest("job_id").keep_until is None


def test_cancelling_waits_for_no_worker_and_leaves_no_attempt(db):
    tasks.echo.enqueue(1).cancel()
    assert Attempt.objects.count() == 0
