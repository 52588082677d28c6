"""Waiting jobs are run now, moved and deleted; those that moved on are left."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection

from django_bgtasks.lifecycle.dispose import delete
from django_bgtasks.lifecycle.rearrange import move, run_now
from django_bgtasks.models import (
    Attempt,
    DeferredJob,
    FinishedJob,
    Job,
    JobProgress,
    ReadyJob,
    RunningJob,
)
from tests.inline import whereabouts

from . import tasks

HOUR = 3600


def pk(result: Any) -> UUID:
    return UUID(result.id)


def test_deferred_job_is_run_now(worker: Any) -> None:
    result = tasks.echo.using(run_after=HOUR, priority=7).enqueue(1)
    assert run_now(connection, [pk(result)]) == [pk(result)]
    row = ReadyJob.objects.get()
    assert (row.queue_name, row.rank, row.attempt) == ("default", -7, 1)
    assert worker.run_result(result).return_value == [1]


def test_retry_that_waits_is_run_now_with_its_attempt(worker: Any) -> None:
    result = worker.run_result(tasks.fail_with_pauses.enqueue())
    assert run_now(connection, [pk(result)]) == [pk(result)]
    assert ReadyJob.objects.get().attempt == 2


def in_each_place(worker: Any) -> dict[str, Any]:
    """Enqueue five jobs, one for each place that a job may be in, and one gone."""
    jobs = {"finished": worker.run_result(tasks.echo.enqueue(1))}
    jobs["running"] = tasks.echo.enqueue(2)
    worker.claim_one()
    jobs["ready"] = tasks.echo.enqueue(3)
    jobs["deferred"] = tasks.echo.using(run_after=HOUR).enqueue(4)
    return jobs


@pytest.mark.parametrize(
    ("deed", "done"),
    [
        (run_now, {"deferred"}),
        (lambda *given: move(*given, queue_name="mail"), {"deferred", "ready"}),
        (delete, {"deferred", "ready", "finished"}),
    ],
    ids=["run_now", "move", "delete"],
)
def test_job_that_stands_elsewhere_is_left(
    worker: Any, deed: Callable[..., list[UUID]], done: set[str]
) -> None:
    jobs = in_each_place(worker)
    places = {place: whereabouts(jobs[place]) for place in set(jobs) - done}
    found = deed(connection, [*map(pk, jobs.values()), uuid4()])
    assert set(found) == {pk(jobs[place]) for place in done}
    assert len(found) == len(done)
    assert {place: whereabouts(jobs[place]) for place in places} == places


@pytest.mark.parametrize("delay", [None, HOUR])
def test_job_is_moved_for_good(worker: Any, delay: int | None) -> None:
    task = tasks.echo if delay is None else tasks.echo.using(run_after=delay)
    result = task.enqueue(1)
    assert move(connection, [pk(result)], "mail", 9) == [pk(result)]
    row: Any = (ReadyJob if delay is None else DeferredJob).objects.get()
    assert (row.queue_name, row.rank) == ("mail", -9)
    found = result.task.get_result(result.id)
    assert (found.task.queue_name, found.task.priority) == ("mail", 9)


def test_priority_and_queue_are_moved_each_by_itself(worker: Any) -> None:
    result = tasks.echo.using(queue_name="mail", priority=1).enqueue(1)
    move(connection, [pk(result)], priority=5)
    assert ReadyJob.objects.values_list("queue_name", "rank").get() == ("mail", -5)
    move(connection, [pk(result)], queue_name="slow")
    assert ReadyJob.objects.values_list("queue_name", "rank").get() == ("slow", -5)
    assert move(connection, [pk(result)]) == []


def test_moved_job_is_claimed_from_its_new_queue(worker: Any) -> None:
    result = tasks.echo.enqueue(1)
    worker.claim(queues=["default", "mail"], limit=0)
    move(connection, [pk(result)], "mail")
    assert worker.claim(queues=["default"]) == []
    assert len(worker.claim(queues=["mail"])) == 1


def test_deleted_job_leaves_nothing(worker: Any) -> None:
    result = worker.run_result(tasks.fail_at_once.enqueue())
    JobProgress.objects.create(
        job_id=pk(result), done=1, saved_at=Attempt.objects.get().finished_at
    )
    assert delete(connection, [pk(result)]) == [pk(result)]
    for model in (Job, ReadyJob, FinishedJob, Attempt, JobProgress):
        assert not model.objects.exists()


def test_job_in_no_table_of_states_is_deleted(worker: Any) -> None:
    result = tasks.echo.enqueue(1)
    ReadyJob.objects.all().delete()
    assert delete(connection, [pk(result)]) == [pk(result)]
    assert not Job.objects.exists()


def test_running_job_stays_with_its_body(worker: Any) -> None:
    tasks.echo.enqueue(1)
    job = worker.claim_one()
    assert delete(connection, [UUID(job.id)]) == []
    assert RunningJob.objects.exists()
    assert worker.run(job).kind == "succeeded"
