"""Tasks of the framework, of the backport and our own, under every backend."""

from __future__ import annotations

import asyncio
import pickle
import sys
from copy import copy, deepcopy

import pytest

import django_bgtasks
from django_bgtasks import BgTask, DatabaseBackend, registry
from django_bgtasks.compat import (
    CORE,
    InvalidTask,
    Task,
    TaskResultStatus,
    task_backends,
)
from django_bgtasks.exceptions import UnknownTask
from django_bgtasks.models import Job

from . import tasks
from .conftest import DUMMY, IMMEDIATE, OURS


class Shelf:
    @staticmethod
    def hidden() -> str:
        return "found"


def moved(number: int) -> int:
    return number + 5


def moved_with_context(context, number: int) -> int:
    return number + context.attempt


@pytest.fixture
def declare_here(monkeypatch):
    """Have a name of this module stand for a task, as where it is decorated."""

    def declare(name, task):
        monkeypatch.setattr(sys.modules[__name__], name, task)
        monkeypatch.delitem(registry._declared, task.module_path, raising=False)
        return task

    return declare


@pytest.mark.parametrize(
    ("task", "args", "value"),
    [
        (tasks.plain, (1,), 2),
        (tasks.plain_with_context, (), 1),
        (tasks.plain_coroutine, (1,), 2),
        (tasks.backported, (1,), 3),
        (tasks.backported_with_context, (), 1),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_task_of_any_decorator_runs(work, task, args, value):
    result = work(task.enqueue(*args))
    assert result.status == TaskResultStatus.SUCCESSFUL
    assert result.return_value == value
    assert task.get_result(result.id) == result


def test_options_of_the_frameworks_decorator_are_kept(db):
    result = tasks.plain_with_context.enqueue()
    stored = tasks.plain_with_context.get_result(result.id)
    assert (stored.task.queue_name, stored.task.priority) == ("mail", -3)


def test_our_options_may_be_given_to_the_frameworks_decorator():
    if not CORE or not hasattr(Task, "_reconstruct"):
        pytest.skip("the framework's decorator takes other options since Django 6.1")
    made = tasks.plain_task(max_attempts=5, timeout=3)(moved)
    assert (type(made), made.max_attempts, made.timeout) == (BgTask, 5, 3)


@pytest.mark.parametrize("path", [IMMEDIATE, DUMMY])
def test_every_option_is_legal_under_the_backends_of_the_framework(settings, path):
    settings.TASKS = {"default": {"BACKEND": path, "QUEUES": []}}
    options = {
        name: getattr(tasks.with_every_option, name)
        for name in (
            *["queue_name", "takes_context", "max_attempts", "backoff", "timeout"],
            *["priority", "atomic", "retry_on", "no_retry_on", "retention", "expires"],
        )
    }
    made = django_bgtasks.task(**options)(moved_with_context)
    assert type(made) is BgTask
    assert made.max_attempts == 4


def test_task_runs_under_the_immediate_backend(settings, sent):
    settings.TASKS = {"default": {"BACKEND": IMMEDIATE, "QUEUES": []}}
    result = tasks.with_every_option.enqueue(21)
    assert result.status == TaskResultStatus.SUCCESSFUL
    assert result.return_value == 21
    assert [each.name for each in sent] == ["enqueued", "started", "finished"]
    assert tasks.coroutine.enqueue(2).return_value == 4
    assert tasks.fail.enqueue().status == TaskResultStatus.FAILED


def test_context_of_the_immediate_backend_knows_our_words(settings):
    settings.TASKS = {"default": {"BACKEND": IMMEDIATE, "QUEUES": []}}
    result = with_our_words.enqueue()
    assert result.status == TaskResultStatus.SUCCESSFUL, result.errors
    assert result.return_value == [1, False, {"step": 2}, None]


@django_bgtasks.task(takes_context=True)
def with_our_words(context) -> list:
    context.progress(1, 2)
    context.metadata["step"] = 2
    context.save_metadata()
    return [
        context.attempt,
        context.should_stop,
        dict(context.metadata),
        context.remaining,
    ]


def test_task_is_kept_by_the_dummy_backend(settings):
    settings.TASKS = {"default": {"BACKEND": DUMMY, "QUEUES": []}}
    result = tasks.with_every_option.using(metadata={"a": 1}).enqueue(1)
    assert result.status == TaskResultStatus.READY
    (kept,) = task_backends["default"].results
    assert (kept.id, kept.args) == (result.id, [1])


def test_many_are_enqueued_under_the_backends_of_the_framework(settings):
    settings.TASKS = {"default": {"BACKEND": IMMEDIATE, "QUEUES": []}}
    results = tasks.coroutine.enqueue_many([((1,), {}), ((2,), {})])
    assert [each.return_value for each in results] == [2, 4]
    results = asyncio.run(tasks.echo.aenqueue_many([((1,), {})]))
    assert [each.return_value for each in results] == [[[1], {}]]


@pytest.mark.parametrize("theirs", [IMMEDIATE, DUMMY])
def test_plain_task_of_another_backend_moves_to_ours(
    work, backends, declare_here, theirs
):
    backends(theirs=theirs)
    plain = declare_here("moved", tasks.plain_task(backend="theirs")(moved))
    assert type(plain) is Task
    result = work(plain.using(backend="default", queue_name="mail").enqueue(1))
    assert result.status == TaskResultStatus.SUCCESSFUL, result.errors
    assert result.return_value == 6
    assert result.task.queue_name == "mail"


@pytest.mark.skipif(not CORE, reason="the backport is the framework here")
def test_task_of_the_backports_own_class_moves_to_ours(work, settings, declare_here):
    # The backport hears of other settings once its signals are imported.
    import django_tasks.signals  # noqa: F401
    from django_tasks import task as backport_task
    from django_tasks.base import Task as BackportTask

    theirs = "django_tasks.backends.dummy.DummyBackend"
    settings.TASKS = {"default": {"BACKEND": OURS}, "theirs": {"BACKEND": theirs}}
    plain = declare_here("moved", backport_task(backend="theirs")(moved))
    assert type(plain) is BackportTask
    result = plain.using(backend="default").enqueue(1)
    work()
    assert plain.using(backend="default").get_result(result.id).return_value == 6


def test_our_task_moves_to_another_backend_and_back(work, backends):
    backends(other=IMMEDIATE)
    there = tasks.coroutine.using(backend="other")
    assert there.enqueue(1).return_value == 2
    assert work(there.using(backend="default").enqueue(3)).return_value == 6


def test_backend_of_ours_may_have_any_alias(work, backends):
    backends(second=OURS)
    result = tasks.echo.using(backend="second").enqueue(1)
    assert result.backend == "second"
    assert Job.objects.get().backend == "second"
    result = work(result)
    assert result.backend == "second"
    assert result.return_value == [[1], {}]
    assert type(result.task.get_backend()) is DatabaseBackend


@pytest.mark.parametrize(
    "task",
    [
        tasks.noop,
        tasks.with_every_option,
        tasks.plain,
        tasks.backported,
        tasks.echo.using(priority=5, run_after=60, metadata={"a": [1]}),
    ],
    ids=lambda task: task.name,
)
def test_task_can_be_pickled_and_copied(task):
    assert pickle.loads(pickle.dumps(task)) == task
    assert copy(task) == task
    assert deepcopy(task) == task


def test_task_whose_name_is_not_its_functions_runs(work):
    other_name = django_bgtasks.task(moved)
    assert work(other_name.enqueue(2)).return_value == 7
    assert pickle.loads(pickle.dumps(other_name)) == other_name


def test_task_whose_name_is_not_its_functions_is_kept_by_the_dummy_backend(settings):
    settings.TASKS = {"default": {"BACKEND": DUMMY}}
    other_name = django_bgtasks.task(moved)
    assert other_name.enqueue(2).task == other_name


def test_static_method_runs(work):
    assert work(django_bgtasks.task(Shelf.hidden).enqueue()).return_value == "found"


def test_pickle_of_what_is_no_task_any_more_says_so(monkeypatch):
    pickled = pickle.dumps(django_bgtasks.task(moved))
    monkeypatch.delitem(registry._declared, f"{__name__}.moved")
    with pytest.raises(UnknownTask, match=r"test_kinds_of_tasks\.moved' is no task"):
        pickle.loads(pickled)


@pytest.mark.parametrize("path", [OURS, IMMEDIATE, DUMMY])
def test_function_that_is_no_module_level_one_is_refused_everywhere(settings, path):
    settings.TASKS = {"default": {"BACKEND": path}}

    def nested() -> None:
        pass

    with pytest.raises(InvalidTask, match="module level"):
        django_bgtasks.task(nested)


def test_task_is_hashable_and_compares_by_its_facts():
    assert tasks.noop == tasks.noop.using()
    assert tasks.noop != tasks.noop.using(priority=1)
    assert len({tasks.noop, tasks.noop.using(), tasks.noop.using(priority=1)}) == 2
