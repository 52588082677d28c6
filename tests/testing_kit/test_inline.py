from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.db import connection

from django_bgtasks import InvalidArguments
from django_bgtasks.compat import TaskResultStatus, task_backends
from django_bgtasks.lifecycle import operate
from django_bgtasks.models import FinishedJob, Job, Process
from django_bgtasks.testing import InlineBackend

from . import tasks

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("bgtasks_inline")]
SUCCESSFUL, FAILED = TaskResultStatus.SUCCESSFUL, TaskResultStatus.FAILED
READY = TaskResultStatus.READY


def test_enqueue_runs_the_job_and_keeps_its_rows() -> None:
    result = tasks.note.enqueue("a")
    assert (result.status, result.return_value) == (SUCCESSFUL, "a")
    assert tasks.happened("a") == 1
    stored = tasks.note.get_result(result.id)
    assert (stored.status, stored.return_value) == (SUCCESSFUL, "a")
    assert FinishedJob.objects.filter(pk=result.id).exists()
    assert not Process.objects.exists()


def test_other_jobs_are_left_alone(settings: Any) -> None:
    inline = settings.TASKS
    entry = {**inline["default"], "BACKEND": "django_bgtasks.backend.DatabaseBackend"}
    settings.TASKS = {**inline, "default": entry}
    waiting = tasks.note.enqueue("waiting")
    settings.TASKS = inline
    tasks.note.enqueue("a")
    waiting.refresh()
    assert waiting.status == READY


def test_failure_is_a_result_and_not_an_exception() -> None:
    result = tasks.blunder.enqueue("a")
    assert result.status == FAILED
    assert result.errors[0].exception_class is LookupError


def test_database_error_of_the_task_spares_the_caller() -> None:
    assert tasks.clash.enqueue("a").status == FAILED
    assert tasks.note.enqueue("b").status == SUCCESSFUL


def test_jobs_that_jobs_enqueue_run_inside() -> None:
    tasks.note_and_pass_on.enqueue("a", 3)
    assert tasks.happened("a") == 3


def test_many_run_in_their_order() -> None:
    results = tasks.add.enqueue_many([((1,), {}), ((2,), {"right": 3})])
    assert [each.return_value for each in results] == [1, 5]


def test_deferred_jobs_and_retries_wait_for_run_pending(bgtasks: Any) -> None:
    later = tasks.note.using(run_after=timedelta(hours=1)).enqueue("a")
    retried = tasks.third_time_lucky.enqueue("b")
    assert (later.status, retried.status, retried.attempts) == (READY, READY, 1)
    bgtasks.run_pending(until=timedelta(hours=2))
    later.refresh()
    retried.refresh()
    assert (later.status, retried.status) == (SUCCESSFUL, SUCCESSFUL)


def test_paused_queue_is_respected() -> None:
    operate.pause(connection, "mail")
    assert tasks.mail.enqueue("a").status == READY


def test_bad_arguments_are_refused_before_anything_is_written() -> None:
    with pytest.raises(InvalidArguments):
        tasks.note.enqueue(object())
    assert not Job.objects.exists()


def test_async_enqueue_runs_async_tasks() -> None:
    result = async_to_sync(tasks.think.aenqueue)("a")
    assert (result.status, result.return_value) == (SUCCESSFUL, "a")


def test_task_that_keeps_nothing_has_a_result() -> None:
    assert tasks.leave_no_trace.enqueue("a").return_value == "a"
    assert not Job.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_runs_without_a_transaction_too() -> None:
    assert tasks.clash.enqueue("a").status == FAILED
    assert tasks.happened("a") == 1


def test_backend_can_be_named_before_apps_are_ready() -> None:
    assert type(task_backends["default"]) is InlineBackend
