"""A failed job has a row that says so, for as long as it stands failed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection

from django_bgtasks import task
from django_bgtasks.conf import Options
from django_bgtasks.lifecycle import dispose, operate
from django_bgtasks.models import Attempt, Failure, FinishedJob, RunningJob
from django_bgtasks.upkeep.prune import prune
from django_bgtasks.upkeep.rescue import Death, rescue
from django_bgtasks.vendors import vendor_of

from . import tasks


@task(retention=0)
def fail_and_forget() -> None:
    raise ValueError("x")


def failures() -> list[tuple[str, str]]:
    return list(Failure.objects.values_list("task_path", "exception_class_path"))


def test_failed_job_is_one_of_its_group(worker: Any) -> None:
    result = worker.run_result(tasks.fail.enqueue())
    (row,) = Failure.objects.all()
    assert str(row.job_id) == result.id
    assert failures() == [(tasks.fail.module_path, "builtins.ValueError")]
    assert row.failed_at == FinishedJob.objects.get().finished_at


def test_only_the_last_of_several_attempts_is_a_failure(worker: Any) -> None:
    tasks.fail_at_once.enqueue()
    for number in range(3):
        assert Attempt.objects.count() == number
        assert failures() == []
        worker.run_ready()
    assert len(failures()) == 1


@pytest.mark.parametrize("outcome", ["succeeded", "cancelled"])
def test_other_ends_are_no_failures(worker: Any, outcome: str) -> None:
    result = tasks.echo.enqueue(1)
    if outcome == "cancelled":
        result.cancel()
    worker.run_result(result)
    assert result.outcome == outcome
    assert failures() == []


def test_expired_job_is_a_failure(worker: Any) -> None:
    worker.run_result(tasks.echo.using(expires=timedelta()).enqueue(1))
    assert failures() == [
        (tasks.echo.module_path, "django_bgtasks.exceptions.TaskExpired")
    ]


@pytest.mark.parametrize(
    ("overdue", "error"), [(False, "TaskLost"), (True, "TaskTimeout")]
)
def test_lost_job_is_a_failure(worker: Any, overdue: bool, error: str) -> None:
    tasks.echo.enqueue(1)
    job = worker.claim_one()
    death = Death(worker.owner.id, "worker-1")
    if overdue:
        death = Death(worker.owner.id, "worker-1", overdue=frozenset({UUID(job.id)}))
    rescue(vendor_of(connection), death, Options(max_lost=1))
    assert failures() == [
        (tasks.echo.module_path, f"django_bgtasks.exceptions.{error}")
    ]


def test_job_that_is_not_kept_is_no_failure(worker: Any) -> None:
    fail_and_forget.enqueue()
    worker.run_all()
    assert failures() == []


def test_retried_job_is_a_failure_no_more(worker: Any) -> None:
    result = worker.run_result(tasks.fail.enqueue())
    operate.retry(connection, [UUID(result.id)])
    assert failures() == []
    worker.run_all()
    assert len(failures()) == 1


def test_failure_goes_with_its_job(worker: Any) -> None:
    first = worker.run_result(tasks.fail.enqueue())
    worker.run_result(tasks.fail.enqueue())
    dispose.delete(connection, [UUID(first.id)])
    assert len(failures()) == 1
    prune(connection, until=FinishedJob.objects.get().keep_until)
    assert failures() == []
    assert not RunningJob.objects.exists()
