"""What a backend of the framework must be, accept and refuse."""

from __future__ import annotations

import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from asgiref.sync import async_to_sync
from django.core.checks import run_checks

import django_bgtasks
from django_bgtasks import BgTask, DatabaseBackend
from django_bgtasks.compat import (
    BaseTaskBackend,
    InvalidTask,
    InvalidTaskBackend,
    TaskResultDoesNotExist,
    TaskResultMismatch,
    task_backends,
)
from django_bgtasks.ids import uuid7

from . import tasks
from .conftest import OURS


def function() -> None:
    pass


def with_context(context) -> None:
    pass


def test_backend_is_one_of_the_framework():
    backend = task_backends["default"]
    assert isinstance(backend, BaseTaskBackend)
    assert type(backend) is DatabaseBackend
    assert backend.alias == "default"
    assert backend.queues == {"default", "mail", "slow"}
    assert backend.options == {}


def test_backend_can_do_all_that_the_framework_asks_about():
    assert DatabaseBackend.supports_defer is True
    assert DatabaseBackend.supports_async_task is True
    assert DatabaseBackend.supports_get_result is True
    assert DatabaseBackend.supports_priority is True


def test_backend_may_be_named_by_the_package_too(backends, settings):
    settings.TASKS = {"default": {"BACKEND": "django_bgtasks.DatabaseBackend"}}
    assert type(task_backends["default"]) is DatabaseBackend


def test_backend_is_importable_before_the_apps_are_ready():
    # Django builds it when the first module of tasks is imported.
    subprocess.run(
        [sys.executable, "-c", f"import {OURS.rpartition('.')[0]}"],
        check=True,
        cwd=sys.path[0] or None,
        env={"PYTHONPATH": ":".join(filter(None, sys.path))},
    )


def test_task_of_the_frameworks_decorator_is_ours():
    assert type(tasks.plain) is BgTask
    assert DatabaseBackend.task_class is BgTask


def test_every_thread_has_its_own_backend():
    found = []
    thread = threading.Thread(target=lambda: found.append(task_backends["default"]))
    thread.start()
    thread.join()
    assert found[0] is not task_backends["default"]


def test_backend_adds_nothing_to_the_checks_of_a_sound_project():
    assert [each for each in run_checks() if "django_bgtasks" in str(each.id)] == []
    assert task_backends["default"].check() == []


@pytest.mark.parametrize("priority", [101, -101, 1.5])
def test_priority_out_of_range_is_refused(priority):
    message = "priority must be a whole number between -100 and 100"
    with pytest.raises(InvalidTask, match=message):
        tasks.noop.using(priority=priority)


@pytest.mark.parametrize("priority", [100, -100, 0, 5.0])
def test_priority_in_range_is_stored(db, priority):
    result = tasks.noop.using(priority=priority).enqueue()
    result = tasks.noop.get_result(result.id)
    assert result.task.priority == priority


def test_unknown_queue_is_refused():
    with pytest.raises(InvalidTask, match="Queue 'nowhere' is not valid for backend"):
        tasks.noop.using(queue_name="nowhere")


def test_any_queue_goes_where_none_is_listed(db, backends):
    backends(queues=[])
    assert tasks.noop.using(queue_name="anywhere").enqueue().id


def test_only_the_default_queue_goes_where_nothing_is_said(settings):
    settings.TASKS = {"default": {"BACKEND": OURS}}
    assert task_backends["default"].queues == {"default"}


def test_naive_run_after_is_refused():
    with pytest.raises(InvalidTask, match="run_after must be an aware datetime"):
        tasks.noop.using(run_after=datetime(2030, 1, 1))


def test_naive_run_after_goes_where_time_zones_are_off(db, settings):
    settings.USE_TZ = False
    moment = datetime(2030, 1, 1, 12, 30, 15, 123456)
    result = tasks.noop.using(run_after=moment).enqueue()
    assert tasks.noop.get_result(result.id).run_after == moment


def test_context_must_be_the_first_argument():
    with pytest.raises(InvalidTask, match="first argument of 'context'"):
        django_bgtasks.task(takes_context=True)(function)
    assert django_bgtasks.task(takes_context=True)(with_context).takes_context


def test_unknown_backend_is_refused():
    with pytest.raises(InvalidTaskBackend):
        tasks.noop.using(backend="nowhere")


def test_database_that_is_not_there_is_told_of_at_the_enqueue(settings):
    settings.TASKS = {"default": {"BACKEND": OURS, "OPTIONS": {"DATABASE": "jobs"}}}
    with pytest.raises(InvalidTaskBackend, match=r"OPTIONS'\]\['DATABASE'\].*jobs"):
        tasks.noop.enqueue()


def test_task_is_checked_again_at_the_enqueue(db, backends):
    mailed = tasks.mailed
    backends(queues=["default"])
    with pytest.raises(InvalidTask, match="Queue 'mail' is not valid for backend"):
        mailed.enqueue()
    with pytest.raises(InvalidTask, match="Queue 'mail' is not valid for backend"):
        async_to_sync(mailed.aenqueue)()
    with pytest.raises(InvalidTask, match="Queue 'mail' is not valid for backend"):
        mailed.enqueue_many([((), {})])


def test_result_of_an_unknown_id_does_not_exist(db):
    backend = task_backends["default"]
    for unknown in (str(uuid4()), str(uuid7()), uuid7().hex):
        with pytest.raises(TaskResultDoesNotExist):
            backend.get_result(unknown)
        with pytest.raises(TaskResultDoesNotExist):
            async_to_sync(backend.aget_result)(unknown)
        with pytest.raises(TaskResultDoesNotExist):
            tasks.noop.get_result(unknown)
        with pytest.raises(TaskResultDoesNotExist):
            backend.cancel(unknown)
        with pytest.raises(TaskResultDoesNotExist):
            backend.retry(unknown)


MALFORMED = [
    "",
    "1",
    "unknown",
    "g" * 32,
    "a" * 31,
    "a" * 33,
    "\0",
    "é",
    "'",
    "a" * 9_999,
]
MALFORMED += [None, 1, 1.5, b"bytes", [], {}, object()]


@pytest.mark.parametrize("malformed", MALFORMED, ids=lambda value: repr(value)[:20])
def test_result_of_a_malformed_id_does_not_exist(db, malformed):
    backend = task_backends["default"]
    for ask in (backend.get_result, backend.cancel, backend.retry):
        with pytest.raises(TaskResultDoesNotExist):
            ask(malformed)
    with pytest.raises(TaskResultDoesNotExist):
        async_to_sync(backend.aget_result)(malformed)


def test_result_is_found_by_the_other_spellings_of_its_id(db):
    result = tasks.noop.enqueue()
    for spelling in (UUID(result.id).hex, result.id.upper(), UUID(result.id)):
        assert tasks.noop.get_result(spelling).id == result.id


def test_result_of_another_task_is_no_match(db):
    result = tasks.noop.enqueue()
    with pytest.raises(TaskResultMismatch):
        tasks.echo.get_result(result.id)
    with pytest.raises(TaskResultMismatch):
        async_to_sync(tasks.echo.aget_result)(result.id)
    assert tasks.noop.using(priority=5).get_result(result.id).id == result.id


def test_using_takes_a_delay_although_the_framework_trips_over_it(db):
    before = datetime.now(UTC)
    result = tasks.noop.using(run_after=timedelta(hours=1)).enqueue()
    stored = tasks.noop.get_result(result.id)
    assert stored.run_after == result.run_after == result.task.run_after
    assert timedelta(hours=1) <= stored.run_after - before < timedelta(hours=2)
