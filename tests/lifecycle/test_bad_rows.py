"""Whatever a row, a task or an exception holds, the job ends and says why."""

from __future__ import annotations

import logging
import time
from uuid import UUID

import pytest
from django.db import connection

from django_bgtasks.compat import TaskResultDoesNotExist, TaskResultStatus
from django_bgtasks.exceptions import UnknownTask
from django_bgtasks.lifecycle import operate
from django_bgtasks.models import (
    Attempt,
    FinishedJob,
    Job,
    JobProgress,
    ReadyJob,
    RunningJob,
)
from django_bgtasks.processes.claims import Claims
from django_bgtasks.processes.config import WorkerConfig
from tests.inline import whereabouts

from . import tasks


def damage(column: str, text: str) -> None:
    """Write text into all bodies, past every check."""
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE django_bgtasks_job SET {column} = %s", [text])


def run_one_and_another(worker, result):
    """Run the job, and see that the worker goes on with the next."""
    after = tasks.echo.enqueue("after")
    worker.run_all()
    after.refresh()
    assert after.status == TaskResultStatus.SUCCESSFUL
    result.refresh()
    assert whereabouts(result) == ["FinishedJob"]
    assert result.status == TaskResultStatus.FAILED
    return result


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("tests.lifecycle.tasks.removed", "It may have been removed or renamed"),
        ("tests.testapp.tasks.nothing.task", "failed with ModuleNotFoundError"),
        ("tests.lifecycle.tasks.only_twice", "is no task: declare it with @task"),
        ("os.system", "is no task: declare it with @task"),
        ("antigravity.fly", "is not the 'tasks' of an installed app"),
        ("nonsense", "is not the 'tasks' of an installed app"),
        ("", "is not the 'tasks' of an installed app"),
    ],
)
def test_job_of_an_unknown_task_fails_and_says_why(worker, path, message):
    result = tasks.echo.enqueue(1)
    Job.objects.update(task_path=path)
    backend = result.task.get_backend()
    worker.run_all()
    result = backend.get_result(result.id)
    assert result.status == TaskResultStatus.FAILED
    (error,) = result.errors
    assert error.exception_class is UnknownTask
    assert message in error.traceback
    assert result.attempts == 1
    assert path in result.task.module_path


def test_job_of_an_unknown_task_is_logged_as_nobody_else_tells_of_it(worker, caplog):
    result = tasks.echo.enqueue(1)
    Job.objects.update(task_path="tests.lifecycle.tasks.removed")
    with caplog.at_level(logging.ERROR):
        worker.run_all()
    (record,) = [each for each in caplog.records if each.levelno >= logging.ERROR]
    assert record.name.startswith("django_bgtasks")
    message = record.getMessage()
    assert result.id in message
    assert "tests.lifecycle.tasks.removed" in message


def test_job_of_an_unknown_task_waits_in_the_tables_like_any_other(db):
    result = tasks.echo.enqueue(1)
    backend = result.task.get_backend()
    Job.objects.update(task_path="tests.lifecycle.tasks.removed")
    found = backend.get_result(result.id)
    assert found.status == TaskResultStatus.READY
    assert found.task.module_path == "tests.lifecycle.tasks.removed"
    assert found.cancel() is True


@pytest.mark.parametrize(
    ("column", "text"),
    [
        ("args", ""),
        ("args", "[1,"),
        ("args", "nonsense"),
        ("args", '{"a": 1}'),
        ("args", "5"),
        ("args", "null"),
        ("kwargs", ""),
        ("kwargs", "[]"),
        ("kwargs", '{"a"'),
        ("metadata", "[1"),
        ("metadata", "[1]"),
        ("metadata", '"text"'),
    ],
)
def test_job_with_damaged_json_fails_and_can_be_read(worker, column, text):
    result = tasks.echo.enqueue(1)
    damage(column, text)
    result = run_one_and_another(worker, result)
    (error,) = result.errors
    assert error.traceback
    assert result.attempts == 1


def test_damaged_job_keeps_no_other_from_being_given_back_or_retried(worker):
    results = [tasks.echo.enqueue(number) for number in range(3)]
    Job.objects.filter(pk=results[1].id).update(priority=0)
    jobs = worker.claim()
    damage("args", "[1,")
    claimed = {job.id: job.attempt for job in jobs}
    assert operate.give_back(worker.vendor, worker.owner.id, claimed) == 3
    worker.run_all()
    ids = [row.pk for row in FinishedJob.objects.all()]
    assert len(operate.retry(connection, ids)) == 3


def test_damaged_return_value_keeps_nobody_from_reading_the_rest(worker):
    result = worker.run_result(tasks.echo.enqueue(1))
    with connection.cursor() as cursor:
        cursor.execute("UPDATE django_bgtasks_finishedjob SET return_value = '[1,'")
    result.refresh()
    assert result.status == TaskResultStatus.SUCCESSFUL


def test_damaged_saved_metadata_fails_the_next_attempt_and_can_be_read(worker):
    result = worker.run_result(tasks.tell.enqueue())
    with connection.cursor() as cursor:
        cursor.execute("UPDATE django_bgtasks_jobprogress SET metadata = '[1,'")
    run_one_and_another(worker, result)
    assert JobProgress.objects.count() == 1


@pytest.mark.only_on("postgresql")
@pytest.mark.parametrize(
    "moment",
    ["infinity", "-infinity", "20000-01-01 00:00+00", "0044-03-15 12:00+00 BC"],
)
@pytest.mark.parametrize("column", ["run_after", "expires_at", "scheduled_for"])
def test_moment_that_python_has_not_keeps_no_job_from_running(worker, column, moment):
    tasks.echo.enqueue("endless")
    damage(column, moment)
    after = tasks.echo.enqueue("after")
    assert {outcome.kind for outcome in worker.run_all()} == {"succeeded"}
    after.refresh()
    assert after.return_value == ["after"]


def test_jobs_whose_bodies_are_gone_do_not_look_like_the_last_ones(worker):
    """Or a worker that ends when all is done would leave what is behind them."""
    results = tasks.echo.enqueue_many([((number,), {}) for number in range(3)])
    gone = [result.id for result in results[:2]]
    Job.objects.filter(pk__in=gone)._raw_delete("default")
    claims = Claims(WorkerConfig(burst=True), worker.vendor, worker.owner, set())
    claimed = []
    while claims.hungry:
        claimed += claims.turn([], 2, time.monotonic()).claimed
    assert [str(UUID(job.id)) for job in claimed] == [results[2].id]


def test_job_whose_body_is_gone_is_dropped_and_logged(worker, caplog):
    result = tasks.echo.enqueue(1)
    after = tasks.echo.enqueue("after")
    Job.objects.filter(pk=result.id)._raw_delete("default")
    with caplog.at_level(logging.ERROR):
        worker.run_all()
    after.refresh()
    assert after.status == TaskResultStatus.SUCCESSFUL
    assert RunningJob.objects.count() == ReadyJob.objects.count() == 0
    assert "have no body any more and are dropped" in caplog.text
    with pytest.raises(TaskResultDoesNotExist):
        result.refresh()


def test_worker_goes_on_behind_jobs_whose_body_is_gone(worker):
    """A burst would end with them, though there is more to do."""
    first, after = tasks.echo.enqueue(1), tasks.echo.enqueue("after")
    Job.objects.filter(pk=first.id)._raw_delete("default")
    config = WorkerConfig(queues=("default",), burst=True)
    claims = Claims(config, worker.vendor, worker.owner, set())
    assert claims.turn((), 1, 0.0).claimed == []
    assert claims.hungry
    (job,) = claims.turn((), 1, 0.0).claimed
    assert job.public_id == after.id


@pytest.mark.parametrize(
    ("backend", "message"),
    [
        ("removed", "The connection 'removed' doesn't exist"),
        ("dummy", "no longer a backend of django_bgtasks"),
    ],
)
def test_job_of_a_backend_that_is_gone_fails_and_says_why(
    worker, settings, backend, message
):
    result = tasks.echo.enqueue(1)
    ours = settings.TASKS["default"]
    framework = type(result.task).__mro__[1].__module__.partition(".base")[0]
    settings.TASKS = {
        "default": ours,
        "dummy": {"BACKEND": f"{framework}.backends.dummy.DummyBackend"},
    }
    Job.objects.update(backend=backend)
    worker.run_all()
    (attempt,) = Attempt.objects.all()
    assert message in attempt.traceback
    found = tasks.echo.get_result(result.id)
    assert found.status == TaskResultStatus.FAILED


def test_queue_that_left_the_settings_is_served_all_the_same(worker, settings):
    result = tasks.echo.using(queue_name="mail").enqueue(1)
    settings.TASKS = {"default": {**settings.TASKS["default"], "QUEUES": ["default"]}}
    assert worker.run_result(result).return_value == [1]


def test_function_that_takes_other_arguments_by_now_fails_the_job(worker):
    result = tasks.exact.enqueue(1)
    Job.objects.update(args=[1, 2, 3, 4])
    result = run_one_and_another(worker, result)
    assert "TypeError" in result.errors[0].traceback
    assert "positional argument" in result.errors[0].traceback


@pytest.mark.parametrize("kind", tasks.ODD)
def test_exception_that_cannot_be_told_properly_fails_the_job_all_the_same(
    worker, kind
):
    result = run_one_and_another(worker, tasks.raise_odd.enqueue(kind))
    (error,) = result.errors
    assert error.exception_class_path
    assert error.traceback
    assert len(error.exception_class_path) <= 255


def test_exception_that_cannot_be_printed_is_named(worker):
    result = worker.run_result(tasks.raise_odd.enqueue("unprintable"))
    (error,) = result.errors
    assert error.exception_class is tasks.Unprintable
    assert "raise ODD[kind]()" in error.traceback
    assert "Unprintable" in error.traceback


def test_text_that_no_database_stores_is_told_in_another_spelling(worker):
    (error,) = worker.run_result(tasks.raise_odd.enqueue("nul")).errors
    assert error.traceback.endswith("ValueError: a\\x00b\n")
    (error,) = worker.run_result(tasks.raise_odd.enqueue("surrogate")).errors
    assert error.traceback.endswith("ValueError: a\\ud800b\n")


def test_notes_of_an_exception_are_told(worker):
    (error,) = worker.run_result(tasks.notes.enqueue()).errors
    assert error.traceback.endswith("ValueError: noted\norder 7\n")


def test_huge_traceback_is_cut_in_its_middle(worker):
    (error,) = worker.run_result(tasks.huge.enqueue("raise")).errors
    assert len(error.traceback) < 70_000
    assert error.traceback.startswith("Traceback (most recent call last):")
    assert "raise ValueError(text)" in error.traceback
    assert " characters ..." in error.traceback
    assert error.traceback.endswith("xxx\n")


def test_endless_recursion_fails_the_job(worker):
    result = run_one_and_another(worker, tasks.deep.enqueue())
    (error,) = result.errors
    assert error.exception_class is RecursionError
    assert len(error.traceback) < 70_000


def test_return_value_beyond_the_limit_fails_the_job_and_names_the_option(worker):
    (error,) = worker.run_result(tasks.huge.enqueue("return")).errors
    assert "The return value takes 6,291,458 bytes" in error.traceback
    assert "OPTIONS['MAX_PAYLOAD']" in error.traceback


# SQLite keeps whatever it is given.
@pytest.mark.only_on("postgresql", "mariadb", "mysql")
def test_outcome_that_the_database_refuses_fails_its_job_and_no_other(
    committing_worker, caplog
):
    worker = committing_worker
    results = tasks.echo.enqueue_many(((number,), {}) for number in range(5))
    outcomes = [worker.execute(job) for job in worker.claim()]
    outcomes[2].kind = "succeeded beyond measure"
    tasks.echo.enqueue("next")
    with caplog.at_level(logging.ERROR):
        turn = worker.turn(outcomes)
    assert len(turn.written) == 5
    assert [job.args for job in turn.claimed] == ['["next"]']
    for result in results:
        result.refresh()
    assert [each.outcome for each in results] == [
        *["succeeded", "succeeded", "failed", "succeeded", "succeeded"]
    ]
    assert "DataError" in results[2].errors[0].exception_class_path
    assert f"The outcome of job {results[2].id} is refused" in caplog.text
