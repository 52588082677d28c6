from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest

from django_bgtasks.compat import (
    CORE,
    TaskResultDoesNotExist,
    task_enqueued,
    task_finished,
    task_started,
)
from django_bgtasks.testing import run_pending
from tests.inline import InlineWorker

from . import tasks

FRAMEWORK = "django.tasks" if CORE else "django_tasks"
OURS = "django_bgtasks.backend.DatabaseBackend"
IMMEDIATE = f"{FRAMEWORK}.backends.immediate.ImmediateBackend"
DUMMY = f"{FRAMEWORK}.backends.dummy.DummyBackend"
LOGGER = FRAMEWORK

Work = Callable[..., Any]


@pytest.fixture(autouse=True)
def _forget_what_was_seen() -> None:
    tasks.seen.clear()


@pytest.fixture(params=["worker", "run_pending"])
def work(db: None, request: pytest.FixtureRequest) -> Work:
    """Run what is ready, and return this result, refreshed.

    Once by the steps of a worker, and once as the tests of projects do it.
    """

    def by_worker(result: Any = None) -> Any:
        InlineWorker().run_all()
        if result is not None:
            result.refresh()
        return result

    def by_kit(result: Any = None) -> Any:
        run_pending()
        if result is not None:
            result.refresh()
        return result

    return by_worker if request.param == "worker" else by_kit


@pytest.fixture
def backends(settings: Any) -> Callable[..., None]:
    """Set TASKS to these backends, beside our own as "default"."""

    def change(queues: Any = ("default", "mail"), **others: str) -> None:
        settings.TASKS = {
            "default": {"BACKEND": OURS, "QUEUES": list(queues)},
            **{
                alias: {"BACKEND": path, "QUEUES": ["default", "mail"]}
                for alias, path in others.items()
            },
        }

    return change


class Sent(NamedTuple):
    """A signal as a receiver saw it."""

    name: str
    sender: Any
    result: Any
    status: str
    # The job's status in the database at that moment.
    stored: str | None
    error: BaseException | None


@pytest.fixture
def sent(db: None) -> Iterator[list[Sent]]:
    """The framework's signals, in the order in which they were sent."""
    heard: list[Sent] = []

    def listener(name: str) -> Callable[..., None]:
        def hear(sender: Any, task_result: Any, **kwargs: Any) -> None:
            heard.append(
                Sent(
                    name,
                    sender,
                    task_result,
                    str(task_result.status),
                    _stored(task_result),
                    sys.exc_info()[1],
                )
            )

        return hear

    signals = {
        "enqueued": task_enqueued,
        "started": task_started,
        "finished": task_finished,
    }
    listeners = {name: listener(name) for name in signals}
    for name, signal in signals.items():
        signal.connect(listeners[name])
    yield heard
    for name, signal in signals.items():
        signal.disconnect(listeners[name])


def _stored(result: Any) -> str | None:
    try:
        return str(result.task.get_backend().get_result(result.id).status)
    except (TaskResultDoesNotExist, NotImplementedError):
        return None
