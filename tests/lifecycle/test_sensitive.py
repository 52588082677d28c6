"""A sensitive argument is nowhere to be read but in the task."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from django_bgtasks import task
from django_bgtasks.models import Attempt, Job, JobLog
from django_bgtasks.results import BgTaskContext
from django_bgtasks.sensitive import HIDDEN

from . import tasks

SECRET = "hunter2-correct-horse"


@task(sensitive=("password",), capture_logs=True)
def log_in(name: str, password: str) -> dict[str, str]:
    tasks.logger.warning("%s logs in with %s", name, password)
    tasks.seen.append(password)
    if name == "eve":
        raise PermissionError(f"{password!r} is wrong")
    return {"password": password, "name": name}


@task(sensitive=True, takes_context=True)
def confess(context: BgTaskContext, sin: str) -> str:
    tasks.seen.append(repr(context))
    return sin


@task
def exchange(token: str) -> dict[str, str]:
    return {"token": token}


def test_task_itself_gets_the_value(worker: Any) -> None:
    result = worker.run_result(log_in.enqueue("ada", SECRET))
    assert tasks.seen == [SECRET]
    assert result.return_value["password"] == SECRET


@pytest.mark.parametrize("kwargs", [{}, {"password": SECRET}])
def test_result_does_not_print_it(worker: Any, kwargs: Any) -> None:
    enqueued = log_in.enqueue("ada", *(() if kwargs else (SECRET,)), **kwargs)
    assert SECRET not in repr(enqueued)
    result = worker.run_result(enqueued)
    assert SECRET not in repr(result)
    assert "'ada'" in repr(result)
    assert SECRET not in repr(log_in.get_result(result.id))


def test_everything_is_hidden_from_print(worker: Any) -> None:
    result = worker.run_result(confess.enqueue(SECRET))
    assert result.return_value == SECRET
    assert SECRET not in repr(result)
    assert SECRET not in tasks.seen[0]


def test_name_of_the_settings_hides_in_every_task(worker: Any, options: Any) -> None:
    result = worker.run_result(exchange.enqueue(SECRET))
    assert SECRET not in repr(result)
    options(SENSITIVE=[])
    assert SECRET in repr(exchange.get_result(result.id))


def test_log_and_traceback_are_kept_without_it(worker: Any) -> None:
    worker.run_result(log_in.enqueue("eve", SECRET))
    log, attempt = JobLog.objects.get(), Attempt.objects.get()
    assert f"eve logs in with {HIDDEN}" in log.text
    assert f"PermissionError: '{HIDDEN}' is wrong" in attempt.traceback
    assert SECRET not in log.text + attempt.traceback


def test_own_log_lines_do_not_tell_it(
    worker: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    worker.run_result(log_in.enqueue("ada", SECRET))
    ours = [
        r for r in caplog.records if r.name.startswith(("django", "django_bgtasks"))
    ]
    assert ours
    assert SECRET not in "".join(record.getMessage() for record in ours)


@pytest.mark.django_db
def test_job_stays_hidden_without_its_task(monkeypatch: pytest.MonkeyPatch) -> None:
    result = log_in.enqueue("ada", SECRET)
    (kept,) = Job.objects.values_list("sensitive", flat=True)
    assert kept == {"names": ["password"], "positions": [1], "rest": None}
    Job.objects.update(task_path="tests.lifecycle.tasks.gone")
    found = log_in.get_backend().get_result(result.id)
    assert SECRET not in repr(found)
    assert found.args == ["ada", SECRET]


@pytest.mark.django_db
def test_job_that_hides_nothing_keeps_nothing() -> None:
    tasks.echo.enqueue(1)
    assert Job.objects.get().sensitive is None
