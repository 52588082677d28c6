"""Running a finished job again, under its own id."""

from __future__ import annotations

from uuid import UUID

import pytest
from asgiref.sync import async_to_sync

from django_bgtasks.compat import TaskResultDoesNotExist, TaskResultStatus
from django_bgtasks.lifecycle import operate
from django_bgtasks.lifecycle.outcome import RELEASED, Outcome
from django_bgtasks.models import Attempt, FinishedJob, Job, Queue, ReadyJob
from tests.inline import InlineWorker, whereabouts

from . import tasks


def test_finished_job_is_ready_again(worker):
    result = worker.run_result(tasks.fail.enqueue())
    result.retry()
    assert result.status == TaskResultStatus.READY
    assert result.outcome is None
    assert result.finished_at is None
    assert whereabouts(result) == ["ReadyJob"]
    assert result.attempts == len(result.errors) == 1


def test_history_goes_on_under_the_same_id(worker):
    result = worker.run_result(tasks.fail.enqueue())
    started_at = result.started_at
    result.retry()
    InlineWorker("worker-2").run_all()
    result.refresh()
    assert result.status == TaskResultStatus.FAILED
    assert result.worker_ids == ["worker-1", "worker-2"]
    assert len(result.errors) == 2
    assert result.started_at == started_at < result.last_attempted_at


def test_successful_job_can_be_run_again_and_its_first_run_is_remembered(worker):
    result = worker.run_result(tasks.echo.enqueue(1))
    result.retry()
    with pytest.raises(ValueError, match="has not finished"):
        result.return_value  # noqa: B018
    worker.run_all()
    result.refresh()
    assert result.return_value == [1]
    assert result.attempts == 2
    assert result.errors == []
    assert tasks.seen == [(1,), (1,)]


def test_retried_job_may_run_once_more_whatever_its_policy(worker):
    result = tasks.fail_at_once.enqueue()
    worker.run_all()
    result.refresh()
    assert result.attempts == 3
    result.retry()
    worker.run_all()
    result.refresh()
    assert result.attempts == 4
    assert result.status == TaskResultStatus.FAILED


def test_job_that_was_cancelled_before_it_ran_can_be_retried(worker):
    result = tasks.echo.enqueue(1)
    result.cancel()
    result.retry()
    assert ReadyJob.objects.get().attempt == 1
    worker.run_all()
    result.refresh()
    assert result.return_value == [1]
    assert result.attempts == 1


def test_job_that_was_cancelled_between_attempts_can_be_retried(worker):
    result = worker.run_result(tasks.fail_with_pauses.enqueue())
    result.cancel()
    result.retry()
    worker.run_all()
    result.refresh()
    assert result.attempts == 2


def test_retried_job_keeps_its_queue_and_priority(worker):
    result = tasks.fail.using(queue_name="mail", priority=5).enqueue()
    worker.run_result(result)
    result.retry()
    ready = ReadyJob.objects.get()
    assert (ready.queue_name, ready.rank) == ("mail", -5)


@pytest.mark.parametrize("state", ["ready", "deferred", "running"])
def test_job_that_has_not_finished_cannot_be_retried(worker, state):
    task = tasks.echo.using(run_after=3600) if state == "deferred" else tasks.echo
    result = task.enqueue(1)
    if state == "running":
        worker.claim()
    with pytest.raises(ValueError, match=rf"Job {result.id} is .*, not finished"):
        result.retry()
    assert len(whereabouts(result)) == 1


def test_job_that_was_pruned_cannot_be_retried(worker):
    result = worker.run_result(tasks.fail.enqueue())
    FinishedJob.objects.all().delete()
    Job.objects.all()._raw_delete("default")
    with pytest.raises(TaskResultDoesNotExist):
        result.retry()


def test_job_can_be_retried_from_a_coroutine(worker):
    result = worker.run_result(tasks.fail.enqueue())
    async_to_sync(result.aretry)()
    assert result.status == TaskResultStatus.READY


def test_finished_ones_among_many_are_retried(worker):
    done = [tasks.fail.enqueue() for _ in range(3)]
    worker.run_all()
    waiting = tasks.echo.enqueue(1)
    ids = [UUID(each.id) for each in (*done, waiting)]
    assert set(operate.retry(worker.vendor.connection, ids)) == set(ids[:3])
    assert ReadyJob.objects.count() == 4


def test_paused_queue_is_not_served_until_it_is_resumed(worker):
    connection = worker.vendor.connection
    operate.pause(connection, "mail")
    paused = tasks.echo.using(queue_name="mail").enqueue("mail")
    tasks.echo.enqueue("default")
    worker.run_all()
    assert tasks.seen == [("default",)]
    assert whereabouts(paused) == ["ReadyJob"]
    assert operate.resume(connection, "mail") is True
    assert operate.resume(connection, "mail") is False
    worker.run_all()
    assert tasks.seen == [("default",), ("mail",)]


def test_queue_may_be_paused_twice_and_resumed_if_it_never_was(worker):
    connection = worker.vendor.connection
    operate.pause(connection, "mail")
    operate.pause(connection, "mail")
    assert Queue.objects.get().paused_at is not None
    assert operate.resume(connection, "slow") is False


def test_jobs_are_given_back_without_losing_an_attempt(worker):
    tasks.echo.using(queue_name="mail", priority=3).enqueue_many(
        ((number,), {}) for number in range(3)
    )
    jobs = worker.claim()
    claimed = operate.claimed_by("default", worker.owner.id)
    assert claimed == {job.id: 1 for job in jobs}
    assert operate.give_back(worker.vendor, worker.owner.id, claimed) == 3
    rows = list(ReadyJob.objects.values_list("queue_name", "rank", "attempt"))
    assert rows == [("mail", -3, 1)] * 3
    assert Attempt.objects.count() == 0
    worker.run_all()
    assert sorted(tasks.seen) == [(0,), (1,), (2,)]


def test_only_what_is_still_its_own_is_given_back(worker):
    tasks.echo.enqueue_many(((number,), {}) for number in range(3))
    first, second, _ = (job.id for job in worker.claim())
    other = worker.owner.id + 1
    assert operate.give_back(worker.vendor, other, {first: 1}) == 0
    assert operate.give_back(worker.vendor, worker.owner.id, {first: 2}) == 0
    assert operate.give_back(worker.vendor, worker.owner.id, {first: 1}) == 1
    assert operate.give_back(worker.vendor, worker.owner.id, {first: 1, second: 1}) == 1
    assert ReadyJob.objects.count() == 2


def test_released_job_comes_back_to_its_place(worker):
    first = tasks.echo.enqueue("first")
    second = tasks.echo.enqueue("second")
    (job,) = worker.claim(limit=1)
    worker.finish(Outcome(job, RELEASED))
    assert whereabouts(first) == whereabouts(second) == ["ReadyJob"]
    worker.run_all()
    assert tasks.seen == [("first",), ("second",)]
    first.refresh()
    assert first.attempts == 1
