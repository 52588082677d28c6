"""A job that was not started by then ends as FAILED, expired."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from datetime import timezone as offset

import pytest
from django.utils import timezone

from django_bgtasks.compat import InvalidTask, TaskResultStatus, task_finished
from django_bgtasks.exceptions import TaskExpired
from django_bgtasks.models import Job

from . import tasks

PAST = datetime(2020, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def test_job_that_is_started_in_time_runs(worker):
    result = worker.run_result(tasks.fresh.enqueue())
    assert result.status == TaskResultStatus.SUCCESSFUL
    assert tasks.seen == ["ran"]


def test_job_that_expired_ends_as_failed_and_does_not_run(worker):
    result = tasks.fresh.using(expires=PAST).enqueue()
    worker.run_result(result)
    assert result.status == TaskResultStatus.FAILED
    assert result.outcome == "expired"
    assert tasks.seen == []
    (error,) = result.errors
    assert error.exception_class is TaskExpired
    assert "Not started by 2020-01-01T00:00:00+00:00" in error.traceback


def test_expiry_counts_from_the_moment_that_the_job_is_due(db):
    later = tasks.fresh.using(run_after=timedelta(days=1))
    later.enqueue()
    job = Job.objects.get()
    assert job.expires_at - job.run_after == timedelta(hours=1)


def test_expiry_of_a_call_goes_before_that_of_the_task(db):
    before = timezone.now()
    tasks.fresh.using(expires=10).enqueue()
    job = Job.objects.get()
    assert before + 10 * SECOND <= job.expires_at <= timezone.now() + 10 * SECOND


def test_expired_job_is_not_retried_and_told_of(worker):
    told = []

    def receive(task_result, **kwargs):
        told.append((task_result.id, task_result.status, task_result.outcome))

    task_finished.connect(receive)
    try:
        result = tasks.fail_at_once.using(expires=PAST).enqueue()
        worker.run_all()
    finally:
        task_finished.disconnect(receive)
    assert told == [(result.id, TaskResultStatus.FAILED, "expired")]


def test_retry_that_comes_too_late_is_not_made(worker):
    result = tasks.fail_at_once.using(expires=3600).enqueue()
    worker.run_result(result)
    Job.objects.update(expires_at=PAST)
    worker.run_all()
    result.refresh()
    assert result.outcome == "expired"
    assert [error.exception_class for error in result.errors] == [
        ValueError,
        TaskExpired,
    ]


@pytest.mark.parametrize("option", ["run_after", "expires"])
@pytest.mark.parametrize(
    "value",
    [
        datetime.max.replace(tzinfo=offset(timedelta(hours=-14))),
        datetime.min.replace(tzinfo=UTC),
    ],
)
def test_end_of_the_calendar_is_refused_by_name(db, option, value):
    with pytest.raises(InvalidTask, match=f"{option} is invalid"):
        tasks.fresh.using(**{option: value}).enqueue()
    assert not Job.objects.exists()


@pytest.mark.parametrize("value", [-1, "soon", True, datetime(2030, 1, 1)])
def test_expiry_that_cannot_be_is_refused_by_name(value):
    with pytest.raises(InvalidTask, match="expires"):
        tasks.fresh.using(expires=value)
