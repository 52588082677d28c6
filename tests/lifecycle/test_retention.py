"""How long finished jobs are kept."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection

from django_bgtasks.compat import TaskResultDoesNotExist, task_finished
from django_bgtasks.lifecycle.outcome import RELEASED, Outcome
from django_bgtasks.models import Attempt, FinishedJob, Job, JobProgress
from django_bgtasks.upkeep.prune import prune

from . import tasks


def kept():
    finished = FinishedJob.objects.get()
    if finished.keep_until is None:
        return None
    return finished.keep_until - finished.finished_at


def test_successes_are_kept_a_week_and_failures_a_month(worker):
    worker.run_result(tasks.echo.enqueue())
    assert kept() == timedelta(days=7)
    FinishedJob.objects.all().delete()
    worker.run_result(tasks.fail.enqueue())
    assert kept() == timedelta(days=30)


def test_options_say_otherwise(worker, options):
    options(RETENTION={"successful": "1h", "failed": "2h"})
    worker.run_result(tasks.echo.enqueue())
    assert kept() == timedelta(hours=1)
    FinishedJob.objects.all().delete()
    worker.run_result(tasks.fail.enqueue())
    assert kept() == timedelta(hours=2)


def test_task_says_otherwise_for_its_own(worker):
    worker.run_result(tasks.kept_briefly.enqueue())
    assert kept() == timedelta(hours=2)
    FinishedJob.objects.all().delete()
    worker.run_result(tasks.kept_briefly.enqueue(fails=True))
    assert kept() == timedelta(hours=2)


def test_none_keeps_for_ever(worker):
    worker.run_result(tasks.kept_for_ever.enqueue())
    assert kept() is None
    far = worker.vendor.now() + timedelta(days=100 * 365)
    assert prune(connection, until=far) == 0


def test_zero_keeps_nothing_of_a_success(worker):
    result = tasks.unkept.enqueue()
    told = []

    def receive(task_result, **kwargs):
        told.append((task_result.id, task_result.status))

    task_finished.connect(receive)
    try:
        worker.run_all()
    finally:
        task_finished.disconnect(receive)
    for model in (Job, FinishedJob, Attempt, JobProgress):
        assert model.objects.count() == 0
    with pytest.raises(TaskResultDoesNotExist):
        result.refresh()
    assert told == [(result.id, "SUCCESSFUL")]


def test_zero_for_successes_keeps_failures(worker):
    result = worker.run_result(tasks.unkept.enqueue(fails=True))
    assert len(result.errors) == 1
    assert kept() == timedelta(days=30)


def test_zero_keeps_nothing_of_attempts_and_progress_either(worker, options):
    options(RETENTION=0)
    tasks.tell.using(metadata={"a": 1}).enqueue()
    other = tasks.tell.enqueue()
    worker.run_all()
    for model in (Job, FinishedJob, Attempt, JobProgress):
        assert model.objects.count() == 0
    with pytest.raises(TaskResultDoesNotExist):
        other.wait(1)


def test_zero_keeps_a_job_that_will_be_retried(worker, options):
    options(RETENTION=0)
    result = worker.run_result(tasks.fail_at_once.enqueue())
    assert len(result.errors) == 1
    worker.run_all()
    assert Job.objects.count() == Attempt.objects.count() == 0


def test_cancelled_job_that_is_not_to_be_kept_can_still_be_read_until_it_is_pruned(
    worker, options
):
    options(RETENTION=0)
    result = tasks.echo.enqueue()
    assert result.cancel() is True
    assert result.outcome == "cancelled"
    assert prune(connection) == 1
    assert Job.objects.count() == 0


def test_job_that_ends_without_its_task_is_kept_as_long_as_any_other(worker):
    result = tasks.echo.enqueue()
    released = Outcome(worker.claim_one(), RELEASED)
    assert result.cancel()
    worker.finish(released)
    assert kept() == timedelta(days=30)
