"""Whatever a caller passes, it is enqueued as it is or refused by name."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction

from django_bgtasks.compat import InvalidTask, InvalidTaskBackend, TaskResultStatus
from django_bgtasks.exceptions import InvalidArguments
from django_bgtasks.models import DeferredJob, Job, ReadyJob, RunningJob
from tests.inline import InlineWorker

from . import tasks
from .cases import cases, tried, unhurried

pytestmark = [pytest.mark.django_db, unhurried]


def is_waiting() -> bool:
    models = (ReadyJob, RunningJob, DeferredJob)
    return any(model.objects.exists() for model in models)


def enqueued(call: Callable[..., Any], *args: Any, named: Any, **kwargs: Any) -> Any:
    """Enqueue and return the result, or None if that is refused by one of the names."""
    before = Job.objects.count()
    try:
        return call(*args, **kwargs)
    except (InvalidArguments, InvalidTask, InvalidTaskBackend) as error:
        refusal = str(error)
    assert any(name in refusal for name in named), refusal
    assert Job.objects.count() == before
    return None


def test_arguments() -> None:
    worker = InlineWorker()
    for junk in cases("arguments", 200):
        args = [junk.value() for _ in range(junk.randrange(3))]
        kwargs = {
            junk.text(storable=False): junk.value() for _ in range(junk.randrange(2))
        }
        task = junk.choice((tasks.take, tasks.take, tasks.keep, tasks.only))
        with tried(junk), transaction.atomic():
            result = enqueued(task.enqueue, *args, named=("args", "cannot"), **kwargs)
            if result is not None:
                stored = task.get_result(result.id)
                assert json.dumps([stored.args, stored.kwargs]) == json.dumps(
                    [result.args, result.kwargs]
                )
                worker.run_ready()
                result.refresh()
                assert result.is_finished
                if task is tasks.take:
                    assert result.status == TaskResultStatus.SUCCESSFUL, result.errors
                    assert result.return_value == [result.args, result.kwargs]
            assert not is_waiting()
            transaction.set_rollback(True)


def test_many_calls_are_all_or_none() -> None:
    for junk in cases("many", 40):
        calls: Any = junk.choice(
            (
                [([junk.value()], {}) for _ in range(3)],
                [junk.value() for _ in range(2)],
                [((1,), {}), junk.value()],
            )
        )
        with tried(junk), transaction.atomic():
            results = enqueued(tasks.take.enqueue_many, calls, named=["call "])
            assert Job.objects.count() == (0 if results is None else len(calls))
            transaction.set_rollback(True)


OPTIONS = ("priority", "queue_name", "run_after", "expires", "metadata", "backend")


def enqueue_with(options: dict[str, Any]) -> Any:
    return tasks.take.using(**options).enqueue()


def test_options_of_a_call() -> None:
    worker = InlineWorker()
    for junk in cases("using", 200):
        names = junk.sample(OPTIONS, junk.choice((1, 1, 2)))
        values = {name: junk.value() for name in names}
        with tried(junk), transaction.atomic():
            words = (*names, "Queue", "connection")
            result = enqueued(enqueue_with, values, named=words)
            if result is not None:
                stored = tasks.take.get_result(result.id)
                assert stored.metadata == (result.metadata or {})
                worker.run_ready()
                result.refresh()
                assert result.is_finished or DeferredJob.objects.count() == 1
            transaction.set_rollback(True)


def test_return_values() -> None:
    worker = InlineWorker()
    for junk in cases("returned", 100):
        value = junk.value()
        tasks.given.append(lambda value=value: value)
        with tried(junk), transaction.atomic():
            result = tasks.give.enqueue()
            worker.run_ready()
            result.refresh()
            assert result.is_finished
            if result.status == TaskResultStatus.FAILED:
                (error,) = result.errors
                assert "the return value" in error.traceback.lower()
            assert not is_waiting()
            transaction.set_rollback(True)
        tasks.given.pop()
