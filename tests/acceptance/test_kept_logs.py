"""What workers keep of a task's log, and what they never write into their own."""

from __future__ import annotations

from uuid import UUID

import pytest

from django_bgtasks.models import JobLink, JobLog

from . import tasks
from .workers import Start, await_finished

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]


def test_logs_of_threads_and_coroutines_are_kept_apart(start: Start) -> None:
    words = ["one", "two", "three", "four"]
    results = [
        task.enqueue(word)
        for word in words
        for task in (tasks.log_something, tasks.log_something_async)
    ]
    worker = start(options={"CAPTURE_LOGS": "INFO"})
    await_finished(results)
    worker.stop()
    logs = {str(log.job_id): log.text for log in JobLog.objects.all()}
    for number, result in enumerate(results):
        word = words[number // 2]
        assert [line.split(": ", 1)[1] for line in logs[result.id].splitlines()] == [
            f"said: {word}"
        ]


def test_sensitive_value_is_not_in_the_log_of_the_worker(start: Start) -> None:
    result = tasks.keep_secret.enqueue("hunter2-correct-horse")
    worker = start(options={"CAPTURE_LOGS": True})
    await_finished([result])
    worker.stop()
    own = [line for line in worker.lines if "django_bgtasks" in line]
    assert any(result.id in line for line in own)
    assert not any("hunter2" in line for line in own)
    assert not JobLog.objects.filter(text__contains="hunter2").exists()


def test_children_of_threads_and_coroutines_know_their_parent(start: Start) -> None:
    parents = [tasks.enqueue_another.enqueue(), tasks.enqueue_another_async.enqueue()]
    worker = start()
    await_finished(parents)
    worker.stop()
    found = set(JobLink.objects.values_list("parent_id", flat=True))
    assert found == {UUID(parent.id) for parent in parents}
