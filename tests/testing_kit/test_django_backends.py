"""Tasks of our decorator under the backends that Django brings for tests."""

from __future__ import annotations

from typing import Any

import pytest
from asgiref.sync import async_to_sync

from django_bgtasks.compat import CORE, TaskResultStatus, task_backends
from django_bgtasks.testing import assert_enqueued, capture_enqueued, enqueued

from . import tasks

PACKAGE = "django.tasks" if CORE else "django_tasks"


@pytest.fixture
def use(settings: Any) -> Any:
    def choose(name: str) -> None:
        path = f"{PACKAGE}.backends.{name.lower()}.{name}Backend"
        settings.TASKS = {"default": {"BACKEND": path, "QUEUES": []}}

    return choose


@pytest.mark.django_db
def test_immediate_backend_runs_tasks(use: Any) -> None:
    use("Immediate")
    result = tasks.add.enqueue(1, right=2)
    assert (result.status, result.return_value) == (TaskResultStatus.SUCCESSFUL, 3)
    assert tasks.note.enqueue("a").return_value == "a"
    assert tasks.blunder.enqueue("b").status == TaskResultStatus.FAILED
    assert async_to_sync(tasks.think.aenqueue)("c").return_value == "c"
    assert [each.return_value for each in tasks.add.enqueue_many([((1,), {})])] == [1]


@pytest.mark.django_db
def test_immediate_backend_gives_our_context(use: Any) -> None:
    use("Immediate")
    result = tasks.tell.enqueue("a")
    assert result.status == TaskResultStatus.SUCCESSFUL, result.errors
    assert result.return_value == {"attempt": 1, "stop": False}


def test_options_that_a_backend_does_not_know_are_no_error(use: Any) -> None:
    use("Immediate")
    # It declares max_attempts and backoff.
    assert tasks.third_time_lucky.max_attempts == 3
    copied = tasks.add.using(metadata={"by": "me"}, expires=60)
    assert copied.enqueue(1).return_value == 1


def test_dummy_backend_stores_them(use: Any) -> None:
    use("Dummy")
    result = tasks.add.using(priority=5).enqueue(1, right=2)
    assert result.status == TaskResultStatus.READY
    (stored,) = task_backends["default"].results
    assert (stored.id, stored.task.priority) == (result.id, 5)


def test_captured_jobs_of_any_backend_can_be_asserted(use: Any) -> None:
    use("Dummy")
    with capture_enqueued() as captured:
        tasks.add.enqueue(1, right=2)
        async_to_sync(tasks.think.aenqueue)("a")
    assert_enqueued(tasks.add, args=[1], kwargs={"right": 2}, among=captured)
    assert_enqueued(tasks.think, count=1, among=captured)


def test_looking_into_the_database_is_refused_without_ours(use: Any) -> None:
    use("Dummy")
    with pytest.raises(TypeError, match="is DummyBackend, which keeps no jobs"):
        enqueued(tasks.add)
