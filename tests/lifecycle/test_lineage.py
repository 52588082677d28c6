"""Which job enqueued a job is known; who enqueues outside of a job pays nothing."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from django_bgtasks import task
from django_bgtasks.models import Job, JobLink
from django_bgtasks.upkeep.prune import prune_older

from . import tasks


@task
def spawn(count: int) -> None:
    tasks.echo.enqueue_many([((number,), {}) for number in range(count)])


@task
async def spawn_from_coroutine() -> None:
    await tasks.echo.aenqueue(1)


@task(atomic=True)
def spawn_in_vain() -> None:
    tasks.echo.enqueue(1)
    raise ValueError("in vain")


@task
def spawn_later() -> None:
    tasks.echo.using(run_after=60).enqueue(1)


def links() -> list[tuple[UUID, UUID]]:
    return list(JobLink.objects.values_list("job_id", "parent_id"))


@pytest.mark.parametrize("count", [1, 3])
def test_job_of_a_job_knows_its_parent(worker: Any, count: int) -> None:
    parent = worker.run_result(spawn.enqueue(count))
    children = Job.objects.filter(task_path=tasks.echo.module_path)
    expected = {(child.pk, UUID(parent.id)) for child in children}
    assert set(links()) == expected
    assert len(expected) == count


def test_task_that_was_enqueued_outside_before_is_linked_all_the_same(
    worker: Any,
) -> None:
    tasks.echo.enqueue(0)
    parent = worker.run_result(spawn_from_coroutine.enqueue())
    [child] = Job.objects.filter(task_path=tasks.echo.module_path, args=[1])
    assert links() == [(child.pk, UUID(parent.id))]
    tasks.echo.enqueue(2)
    assert len(links()) == 1


@pytest.mark.parametrize("parent", [spawn_from_coroutine, spawn_later])
def test_link_is_kept_from_every_kind_of_task(worker: Any, parent: Any) -> None:
    result = worker.run_result(parent.enqueue())
    assert [link[1] for link in links()] == [UUID(result.id)]


def test_job_enqueued_outside_of_a_job_has_no_parent(worker: Any) -> None:
    worker.run_result(tasks.echo.enqueue(1))
    tasks.echo.enqueue(2)
    assert links() == []


@pytest.mark.django_db
def test_enqueue_outside_of_a_job_asks_for_nothing_more() -> None:
    with (
        CaptureQueriesContext(
            connection,
        ) as queries,
        transaction.atomic(),
    ):
        tasks.echo.enqueue(1)
    assert not any(JobLink._meta.db_table in query["sql"] for query in queries)


def test_link_is_rolled_back_with_its_job(worker: Any) -> None:
    worker.run_result(spawn_in_vain.enqueue())
    assert links() == []


def test_link_goes_with_its_job(worker: Any) -> None:
    spawn.enqueue(2)
    worker.run_all()
    assert len(links()) == 2
    prune_older(connection, timezone.now() + timezone.timedelta(days=1))
    assert links() == []
