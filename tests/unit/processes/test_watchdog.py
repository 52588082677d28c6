from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

from django_bgtasks.exceptions import TaskCancelled, TaskTimeout
from django_bgtasks.processes.watchdog import Watchdog


class Dog:
    """A watchdog whose bites are counted, and what it watches."""

    def __init__(self, grace: float = 5.0) -> None:
        self.bites: list[tuple[str, type[BaseException]]] = []
        self.running: list[Any] = []
        self.watchdog = Watchdog(
            grace, lambda execution, cause: self.bites.append((execution.job.id, cause))
        )

    def begin(self, job_id: str, deadline: float | None = None) -> Any:
        # Made first, so that it may well lie where the last one lay.
        execution = SimpleNamespace()
        execution.job = SimpleNamespace(
            id=job_id, public_id=job_id, task_path="tests.task"
        )
        execution.control = SimpleNamespace(deadline=deadline, cancelled=False)
        execution.started = time.monotonic()
        self.running.append(execution)
        return execution

    def look(self, clock: float) -> list[tuple[str, type[BaseException]]]:
        stuck = self.watchdog.look(iter(self.running), clock)
        return [(execution.job.id, cause) for execution, cause in stuck]


def test_what_is_in_time_is_left_alone() -> None:
    dog = Dog()
    dog.begin("no limit")
    dog.begin("later", deadline=20.0)
    assert dog.look(19.9) == []
    assert dog.bites == []


def test_what_is_over_time_is_interrupted_once() -> None:
    dog = Dog()
    execution = dog.begin("late", deadline=20.0)
    dog.look(20.0)
    dog.look(21.0)
    assert dog.bites == [("late", TaskTimeout)]
    assert execution.control.cancelled


def test_what_is_cancelled_is_interrupted_before_its_time() -> None:
    dog = Dog()
    dog.begin("unwanted", deadline=20.0)
    dog.begin("wanted")
    dog.watchdog.cancel({"unwanted"})
    dog.look(1.0)
    assert dog.bites == [("unwanted", TaskCancelled)]


def test_what_does_not_yield_within_the_grace_is_stuck() -> None:
    dog = Dog(grace=5.0)
    dog.begin("stubborn", deadline=20.0)
    assert dog.look(20.0) == []
    assert dog.look(25.0) == []
    assert dog.look(25.1) == [("stubborn", TaskTimeout)]


def test_job_that_is_not_running_cannot_be_cancelled_ahead() -> None:
    dog = Dog()
    dog.watchdog.cancel({"gone"})
    dog.look(1.0)
    dog.begin("gone")
    dog.look(2.0)
    assert dog.bites == []


def test_new_execution_is_not_taken_for_one_that_is_gone() -> None:
    """A new object may lie where the old one lay, and so have the same id()."""
    dog = Dog()
    for number in range(200):
        dog.begin(f"job {number}", deadline=1.0)
        assert dog.look(float(number + 2)) == []
        dog.running.clear()
    assert len(dog.bites) == 200
