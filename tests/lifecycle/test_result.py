"""Reading a job, wherever it stands, in one statement."""

from __future__ import annotations

from datetime import timedelta

import pytest
from asgiref.sync import async_to_sync
from django.db import transaction

from django_bgtasks.compat import (
    TaskResultDoesNotExist,
    TaskResultStatus,
    task_finished,
)
from django_bgtasks.lifecycle.result import get_results
from django_bgtasks.models import Process
from tests.elsewhere import elsewhere
from tests.inline import InlineWorker

from . import tasks


def ready(worker):
    return tasks.echo.enqueue(1)


def deferred(worker):
    return tasks.echo.using(run_after=timedelta(hours=1)).enqueue(1)


def running(worker):
    result = tasks.echo.enqueue(1)
    worker.claim()
    return result


def finished(worker):
    return worker.run_result(tasks.echo.enqueue(1))


def retried(worker):
    result = tasks.tell.enqueue()
    worker.run_all()
    return result


STATES = [ready, deferred, running, finished, retried]


@pytest.mark.parametrize("state", STATES)
def test_result_is_read_in_one_statement(worker, django_assert_num_queries, state):
    result = state(worker)
    with django_assert_num_queries(1):
        found = result.task.get_backend().get_result(result.id)
    assert found.id == result.id
    with django_assert_num_queries(1):
        result.refresh()
    with django_assert_num_queries(1):
        result.task.get_result(result.id)


def test_unknown_result_is_looked_for_once(db, django_assert_num_queries):
    with django_assert_num_queries(1), pytest.raises(TaskResultDoesNotExist):
        tasks.echo.get_result("0" * 32)


def test_malformed_id_asks_no_database(db, django_assert_num_queries):
    with django_assert_num_queries(0), pytest.raises(TaskResultDoesNotExist):
        tasks.echo.get_result("nonsense")


def test_running_job_names_its_worker_and_its_start(worker):
    result = running(worker)
    result.refresh()
    assert result.status == TaskResultStatus.RUNNING
    assert result.worker_ids == ["worker-1"]
    assert result.attempts == 1
    assert result.started_at == result.last_attempted_at
    assert result.finished_at is None


def test_running_job_whose_process_is_gone_has_an_unknown_worker(worker):
    result = running(worker)
    Process.objects.all().delete()
    result.refresh()
    assert result.worker_ids == ["unknown"]


def test_many_results_are_read_in_one_statement(worker, django_assert_num_queries):
    made = [state(worker) for state in STATES]
    with django_assert_num_queries(1):
        found = get_results("default")
    assert [each.id for each in found] == [each.id for each in made]
    for one, other in zip(made, found, strict=True):
        one.refresh()
        assert one == other


def test_results_of_one_task_are_read(worker):
    for state in STATES:
        state(worker)
    found = get_results("default", task_path=tasks.tell.module_path)
    assert [each.task.name for each in found] == ["tell"]


def test_wait_returns_the_result_of_a_finished_job_at_once(worker):
    result = tasks.echo.enqueue(1)
    worker.run_all()
    assert result.wait(timeout=0) is result
    assert result.return_value == [1]


def test_wait_ends_when_the_job_does(transactional_db):
    result = tasks.echo.enqueue(1)
    with elsewhere() as other:
        running = other.start(lambda: InlineWorker().run_all())
        assert result.wait(timeout=60).return_value == [1]
        running.result()


def test_wait_gives_up_after_its_time(transactional_db):
    result = tasks.echo.enqueue(1)
    with pytest.raises(TimeoutError, match=rf"Job {result.id} is READY after 0.01 s"):
        result.wait(timeout=0.01)


def test_wait_for_a_job_that_is_never_kept_says_that_there_is_none(transactional_db):
    result = tasks.unkept.enqueue()
    InlineWorker().run_all()
    with pytest.raises(TaskResultDoesNotExist):
        result.wait(timeout=5)


def test_wait_inside_a_transaction_is_refused_as_it_could_not_end(transactional_db):
    with transaction.atomic():
        result = tasks.echo.enqueue(1)
        with pytest.raises(RuntimeError, match="Leave the atomic block first"):
            result.wait(timeout=5)


def test_wait_can_be_awaited(transactional_db):
    result = tasks.echo.enqueue(1)
    InlineWorker().run_all()
    assert async_to_sync(result.await_finished)(5).return_value == [1]
    other = tasks.echo.enqueue(1)
    with pytest.raises(TimeoutError):
        async_to_sync(other.await_finished)(0.01)


def test_times_are_naive_where_the_project_has_no_time_zones(worker, settings):
    settings.USE_TZ = False
    settings.TIME_ZONE = "Asia/Kolkata"
    result = worker.run_result(tasks.fail_with_pauses.enqueue())
    for moment in (result.enqueued_at, result.started_at, result.run_after):
        assert moment.tzinfo is None
    assert result.enqueued_at <= result.started_at < result.run_after
    done = worker.run_result(tasks.echo.enqueue(1))
    assert done.enqueued_at <= done.started_at <= done.finished_at


def test_what_is_told_by_signals_is_naive_there_too(worker, settings):
    settings.USE_TZ = False
    told = []

    def receive(task_result, **kwargs):
        told.append((task_result.enqueued_at, task_result.finished_at))

    task_finished.connect(receive)
    try:
        result = worker.run_result(tasks.echo.enqueue(1))
    finally:
        task_finished.disconnect(receive)
    assert told == [(result.enqueued_at, result.finished_at)]
