"""Retries: policy, pauses, and what is remembered of each attempt."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from django_bgtasks import DatabaseBackend, Retry
from django_bgtasks.compat import TaskResultStatus
from django_bgtasks.models import Attempt, DeferredJob, FinishedJob, ReadyJob
from django_bgtasks.signals import job_retried
from django_bgtasks.upkeep.promote import next_due, promote
from tests.inline import InlineWorker, whereabouts

from . import tasks


def make_due():
    """Have all that is deferred be due now."""
    DeferredJob.objects.update(run_after=datetime(2020, 1, 1, tzinfo=UTC))


def last_line(error):
    return error.traceback.splitlines()[-1]


def test_exception_fails_a_job_that_says_nothing_of_attempts(worker):
    result = worker.run_result(tasks.fail.enqueue())
    assert result.status == TaskResultStatus.FAILED
    assert result.outcome == "failed"
    assert whereabouts(result) == ["FinishedJob"]


def test_options_give_attempts_to_tasks_that_say_nothing(worker, options):
    options(MAX_ATTEMPTS=3, BACKOFF=0)
    result = tasks.fail.enqueue()
    worker.run_all()
    result.refresh()
    assert result.attempts == 3
    assert result.status == TaskResultStatus.FAILED


def test_failed_attempt_waits_for_its_backoff(worker):
    result = worker.run_result(tasks.fail_with_pauses.enqueue())
    assert result.status == TaskResultStatus.READY
    assert result.outcome is None
    assert whereabouts(result) == ["DeferredJob"]
    attempt = Attempt.objects.get()
    assert result.run_after == next_due(worker.vendor)
    assert result.run_after - attempt.finished_at == timedelta(seconds=10)
    assert worker.run_all() == []


def test_backoff_counts_the_attempts(worker):
    result = tasks.fail_with_pauses.enqueue()
    pauses = []
    for _ in range(2):
        worker.run_result(result)
        last = Attempt.objects.latest("attempt")
        pauses.append((result.run_after - last.finished_at).total_seconds())
        make_due()
        promote(worker.vendor)
    assert pauses == [10, 20]


def test_history_tells_of_every_attempt(db):
    first, second = InlineWorker("first"), InlineWorker("second")
    result = tasks.fail_with_pauses.enqueue("history")
    for worker in (first, second, first):
        make_due()
        worker.run_all()
    result.refresh()
    assert result.status == TaskResultStatus.FAILED
    assert result.worker_ids == ["first", "second", "first"]
    assert [last_line(error) for error in result.errors] == ["ValueError: history"] * 3
    attempts = list(Attempt.objects.order_by("attempt"))
    assert [each.attempt for each in attempts] == [1, 2, 3]
    assert {each.outcome for each in attempts} == {"failed"}
    assert all(each.started_at <= each.finished_at for each in attempts)
    assert result.started_at == attempts[0].started_at
    assert result.last_attempted_at == attempts[2].started_at
    assert result.finished_at == attempts[2].finished_at


def test_retried_job_keeps_its_place(worker):
    result = tasks.fail_with_pauses.using(queue_name="mail", priority=7).enqueue()
    worker.run_result(result)
    deferred = DeferredJob.objects.get()
    assert (deferred.queue_name, deferred.rank, deferred.attempt) == ("mail", -7, 2)
    make_due()
    worker.run_all()
    assert result.task.priority == 7


def test_retry_without_a_pause_is_ready_at_once(worker):
    result = worker.run_result(tasks.fail_at_once.enqueue())
    assert whereabouts(result) == ["ReadyJob"]
    assert ReadyJob.objects.get().attempt == 2
    assert result.status == TaskResultStatus.READY
    assert result.attempts == len(result.errors) == 1


def test_retry_asks_for_another_attempt_whatever_the_policy(worker):
    result = tasks.ask_again.enqueue(6, after=0)
    worker.run_all()
    result.refresh()
    assert result.return_value == 7
    assert result.attempts == 7
    assert last_line(result.errors[0]) == (
        "django_bgtasks.exceptions.Retry: Not yet: 1"
    )


def test_retry_names_its_pause(worker):
    result = worker.run_result(tasks.ask_again.enqueue(1, after=90))
    failed_at = Attempt.objects.get().finished_at
    assert result.run_after - failed_at == timedelta(seconds=90)


def test_retry_names_its_moment(worker):
    moment = datetime(2040, 5, 6, 7, 8, 9, tzinfo=UTC)

    def retry():
        raise Retry(after=moment)

    tasks.deeds["retry"] = retry
    assert worker.run_result(tasks.do.enqueue("retry")).run_after == moment


def test_retry_without_a_pause_takes_that_of_the_options(worker, options):
    options(BACKOFF=45)
    result = worker.run_result(tasks.ask_again.enqueue(1))
    failed_at = Attempt.objects.get().finished_at
    assert result.run_after - failed_at == timedelta(seconds=45)


def test_abort_ends_it_although_attempts_are_left(worker):
    result = worker.run_result(tasks.abort.enqueue())
    assert result.status == TaskResultStatus.FAILED
    assert result.attempts == 1
    assert last_line(result.errors[0]).endswith("Abort: There is no such user.")


@pytest.mark.parametrize(
    ("task", "kind", "attempts"),
    [
        (tasks.picky, "OSError", 5),
        (tasks.picky, "TimeoutError", 5),
        (tasks.picky, "TypeError", 1),
        (tasks.forgiving, "OSError", 5),
        (tasks.forgiving, "PermissionError", 1),
    ],
)
def test_class_of_the_exception_decides(worker, task, kind, attempts):
    result = task.enqueue(kind)
    worker.run_all()
    result.refresh()
    assert result.attempts == attempts
    assert result.status == TaskResultStatus.FAILED


def test_own_backoff_is_asked_and_may_give_up(worker):
    result = tasks.with_own_backoff.enqueue()
    worker.run_all()
    result.refresh()
    assert result.attempts == 2
    assert result.status == TaskResultStatus.FAILED
    assert tasks.seen == [("ValueError", 1, result.id), ("ValueError", 2, result.id)]


def test_backoff_that_raises_fails_the_job_and_both_errors_are_told(worker):
    result = worker.run_result(tasks.with_broken_backoff.enqueue())
    assert result.status == TaskResultStatus.FAILED
    (error,) = result.errors
    assert error.exception_class is ValueError
    assert "ValueError: of the task" in error.traceback
    assert "ZeroDivisionError: in the backoff" in error.traceback


def test_backoff_that_returns_nonsense_fails_the_job_and_says_so(worker):
    result = worker.run_result(tasks.with_senseless_backoff.enqueue())
    assert result.status == TaskResultStatus.FAILED
    assert "'soon' is no length of time" in result.errors[0].traceback


def test_retry_is_told_of_by_a_signal(worker):
    told = []

    def receive(sender, task_result, exception, run_after, **kwargs):
        stored = task_result.task.get_backend().get_result(task_result.id)
        told.append((sender, task_result, exception, run_after, stored.status))

    job_retried.connect(receive)
    try:
        result = worker.run_result(tasks.fail_with_pauses.enqueue())
    finally:
        job_retried.disconnect(receive)
    ((sender, told_result, exception, run_after, status),) = told
    assert sender is DatabaseBackend
    assert told_result.id == result.id
    assert told_result.status == status == TaskResultStatus.READY
    assert isinstance(exception, ValueError)
    assert run_after == result.run_after


def test_last_failure_is_told_of_by_no_such_signal(worker):
    told = []

    def receive(**kwargs):
        told.append(kwargs)

    job_retried.connect(receive)
    try:
        worker.run_result(tasks.fail.enqueue())
    finally:
        job_retried.disconnect(receive)
    assert told == []


def test_success_after_failures_keeps_their_errors(worker):
    result = tasks.ask_again.enqueue(2, after=0)
    worker.run_all()
    result.refresh()
    assert result.status == TaskResultStatus.SUCCESSFUL
    assert len(result.errors) == 2
    assert FinishedJob.objects.get().attempt == 3
