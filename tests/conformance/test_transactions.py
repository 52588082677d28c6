"""An enqueue shares the fate of the caller's transaction."""

from __future__ import annotations

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.db import transaction

from django_bgtasks.compat import TaskResultDoesNotExist, TaskResultStatus
from django_bgtasks.models import Job, ReadyJob
from tests.inline import InlineWorker
from tests.testapp.models import Effect

from . import tasks


def test_job_is_there_at_once_inside_the_transaction(transactional_db):
    with transaction.atomic():
        result = tasks.noop.enqueue()
        assert result.enqueued_at is not None
        assert tasks.noop.get_result(result.id).status == TaskResultStatus.READY


def test_committed_enqueue_runs(transactional_db):
    with transaction.atomic():
        result = tasks.echo.enqueue(1)
    assert InlineWorker().run_result(result).return_value == [[1], {}]


def test_enqueue_of_a_transaction_that_is_rolled_back_never_runs(transactional_db):
    with transaction.atomic():
        result = tasks.echo.enqueue(1)
        transaction.set_rollback(True)
    assert InlineWorker().run_all() == []
    with pytest.raises(TaskResultDoesNotExist):
        result.refresh()
    assert Job.objects.count() == ReadyJob.objects.count() == 0


def test_enqueue_of_a_savepoint_shares_its_fate(transactional_db):
    with transaction.atomic():
        kept = tasks.echo.enqueue("kept")
        with transaction.atomic():
            tasks.echo.enqueue("lost")
            transaction.set_rollback(True)
        Effect.objects.create(key="kept too")
    InlineWorker().run_all()
    assert tasks.seen == [(("kept",), {})]
    assert tasks.echo.get_result(kept.id).is_finished


def test_enqueue_and_data_are_committed_together(transactional_db):
    class Trouble(Exception):
        pass

    def view():
        with transaction.atomic():
            Effect.objects.create(key="user")
            tasks.echo.enqueue("welcome")
            raise Trouble

    with pytest.raises(Trouble):
        view()
    assert Effect.objects.count() == Job.objects.count() == 0


def test_enqueue_may_wait_for_the_commit_as_django_tells_people_to(
    transactional_db, sent
):
    with transaction.atomic():
        transaction.on_commit(tasks.noop.enqueue)
        assert sent == []
    assert [each.name for each in sent] == ["enqueued"]


BAD = [
    ((float("nan"),), {}),
    (("\0",), {}),
    (("\ud800",), {}),
    ((object(),), {}),
    (({1: 1},), {}),
    ((), {"key": {1, 2}}),
    (("x" * (10 * 1024 * 1024),), {}),
]


@pytest.mark.parametrize(("args", "kwargs"), BAD)
def test_argument_that_cannot_be_sent_spoils_no_transaction(
    transactional_db, args, kwargs
):
    with transaction.atomic():
        Effect.objects.create(key="before")
        with pytest.raises(TypeError):
            tasks.echo.enqueue(*args, **kwargs)
        with pytest.raises(TypeError):
            tasks.echo.enqueue_many([((1,), {}), (args, kwargs)])
        # On PostgreSQL a failed statement would forbid every one that follows.
        Effect.objects.create(key="after")
        assert Job.objects.count() == 0
    assert Effect.objects.count() == 2


def test_task_that_cannot_be_enqueued_spoils_no_transaction(transactional_db):
    with transaction.atomic():
        Effect.objects.create(key="before")
        with pytest.raises(TypeError):
            tasks.noop.enqueue(1)
        with pytest.raises(Exception, match="not valid for backend"):
            tasks.noop.using(queue_name="nowhere").enqueue()
        Effect.objects.create(key="after")
    assert Effect.objects.count() == 2


def test_id_that_is_none_spoils_no_transaction(transactional_db):
    with transaction.atomic():
        for wrong in ("unknown", "\0", "a" * 33):
            with pytest.raises(TaskResultDoesNotExist):
                tasks.noop.get_result(wrong)
        Effect.objects.create(key="after")
    assert Effect.objects.count() == 1


def test_job_can_be_enqueued_and_asked_for_from_coroutines(db):
    async def view():
        result = await tasks.echo.aenqueue(1, key="two")
        same = await tasks.echo.aget_result(result.id)
        assert same == result
        await sync_to_async(InlineWorker)()
        await result.arefresh()
        return result

    result = async_to_sync(view)()
    assert result.status == TaskResultStatus.READY
    assert result.args == [1]
    assert result.kwargs == {"key": "two"}


def test_many_jobs_can_be_enqueued_from_a_coroutine(db):
    results = async_to_sync(tasks.echo.aenqueue_many)([((1,), {}), ((), {"a": 2})])
    assert [each.args for each in results] == [[1], []]
    assert Job.objects.count() == 2
