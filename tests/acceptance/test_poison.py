"""Tasks that take their process with them, and those beside them."""

from __future__ import annotations

from typing import Any

import pytest

from django_bgtasks.models import Attempt
from tests.testapp.tasks import record

from . import hostile
from .workers import Start, await_finished, effects

LOST = "django_bgtasks.exceptions.TaskLost"


def paths(result: Any) -> list[str]:
    return [error.exception_class_path for error in result.errors]


def test_poison_fails_after_three_attempts_and_harms_nobody(start: Start) -> None:
    # Short jobs first, so that the others are claimed ahead, beside the poison.
    before = record.enqueue_many(((f"before {each}",), {}) for each in range(100))
    poison = hostile.kill_process.enqueue("poison")
    after = record.enqueue_many(((f"after {each}",), {}) for each in range(50))
    worker = start("--threads", 1)
    await_finished([*before, poison, *after])
    assert poison.status == "FAILED"
    assert poison.outcome == "lost"
    assert poison.attempts == 3
    assert paths(poison) == [LOST] * 3
    assert effects()["poison"] == 3
    for result in after:
        assert result.status == "SUCCESSFUL"
        assert result.attempts == 1
        assert result.errors == []
    assert Attempt.objects.count() == 3
    assert worker.stop() == 0


@pytest.mark.parametrize("task", [hostile.fault_segment, hostile.exit_at_once])
@pytest.mark.once
def test_task_that_ends_its_process_is_lost(start: Start, task: Any) -> None:
    result = task.enqueue()
    innocent = record.enqueue("innocent")
    worker = start("--threads", 1, options={"MAX_LOST": 2})
    await_finished([result, innocent])
    assert result.outcome == "lost"
    assert paths(result) == [LOST] * 2
    assert innocent.attempts == 1
    assert worker.stop() == 0


@pytest.mark.parametrize(
    "task", [hostile.exit_politely, hostile.exit_politely_async], ids=["sync", "async"]
)
@pytest.mark.once
def test_exit_of_a_task_is_its_failure(start: Start, task: Any) -> None:
    result = task.enqueue()
    worker = start("--threads", 1)
    await_finished([result])
    process = worker.process()
    assert result.status == "FAILED"
    assert result.outcome == "failed"
    assert paths(result) == ["builtins.SystemExit"]
    await_finished([record.enqueue("next")])
    assert worker.process().pid == process.pid
    assert worker.stop() == 0


@pytest.mark.parametrize(
    "task", [hostile.interrupt, hostile.interrupt_async], ids=["sync", "async"]
)
@pytest.mark.once
def test_keyboard_interrupt_fails_the_task_and_replaces_the_process(
    start: Start, task: Any
) -> None:
    result = task.enqueue()
    others = record.enqueue_many(((f"other {each}",), {}) for each in range(30))
    worker = start("--threads", 1, "--burst")
    assert worker.wait() == 0
    await_finished([result, *others])
    assert result.status == "FAILED"
    assert paths(result) == ["builtins.KeyboardInterrupt"]
    for other in others:
        assert other.status == "SUCCESSFUL"
        assert other.attempts == 1
