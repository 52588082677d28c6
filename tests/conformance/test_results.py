"""What a result tells: status, times, attempts, errors and the return value."""

from __future__ import annotations

import pickle
from datetime import timedelta

import pytest
from asgiref.sync import async_to_sync

from django_bgtasks import BgTaskResult
from django_bgtasks.compat import TaskResult, TaskResultStatus

from . import tasks


def test_result_is_one_of_the_framework(db):
    result = tasks.noop.enqueue()
    assert isinstance(result, TaskResult)
    assert isinstance(result, BgTaskResult)
    assert result.task is tasks.noop
    assert result.backend == "default"


def test_id_is_a_short_and_unique_text(db):
    ids = [tasks.noop.enqueue().id for _ in range(20)]
    assert all(type(each) is str and 0 < len(each) < 64 for each in ids)
    assert len(set(ids)) == 20


def test_enqueued_job_is_ready(db):
    result = tasks.noop.enqueue()
    for each in (result, tasks.noop.get_result(result.id)):
        assert each.status == TaskResultStatus.READY
        assert not each.is_finished
        assert each.attempts == 0
        assert each.worker_ids == []
        assert each.errors == []
        assert each.enqueued_at is not None
        assert each.started_at is each.last_attempted_at is each.finished_at is None


def test_deferred_job_is_ready_too(db):
    result = tasks.noop.using(run_after=timedelta(hours=1)).enqueue()
    assert result.status == TaskResultStatus.READY
    assert tasks.noop.get_result(result.id).status == TaskResultStatus.READY


def test_stored_result_equals_the_one_that_was_returned(db):
    result = tasks.echo.using(priority=3).enqueue(1, key=[2])
    assert tasks.echo.get_result(result.id) == result


def test_successful_job(work):
    result = work(tasks.echo.enqueue(1, two=2))
    assert result.status == TaskResultStatus.SUCCESSFUL
    assert result.is_finished
    assert result.attempts == len(result.worker_ids) == 1
    assert result.errors == []
    assert result.return_value == [[1], {"two": 2}]
    assert (
        result.enqueued_at
        <= result.started_at
        == result.last_attempted_at
        <= result.finished_at
    )


def test_failed_job(work):
    result = work(tasks.fail.enqueue())
    assert result.status == TaskResultStatus.FAILED
    assert result.is_finished
    assert result.attempts == 1
    assert result.enqueued_at <= result.started_at <= result.finished_at
    (error,) = result.errors
    assert error.exception_class is ValueError
    assert error.exception_class_path == "builtins.ValueError"
    assert error.traceback.endswith("ValueError: as told\n")
    assert "raise ERRORS[name](message)" in error.traceback


def test_traceback_tells_of_the_task_and_not_of_its_worker(work):
    (error,) = work(tasks.fail.enqueue()).errors
    assert error.traceback.startswith("Traceback (most recent call last):\n")
    assert "/django_bgtasks/" not in error.traceback
    assert "tasks.py" in error.traceback


def test_traceback_tells_of_the_cause(work):
    (error,) = work(tasks.fail_in_turn.enqueue()).errors
    assert "KeyError: 'the cause'" in error.traceback
    assert "direct cause of the following exception" in error.traceback
    assert error.traceback.endswith("ValueError: the consequence\n")


def test_error_of_the_projects_own_class_is_resolved(work):
    (error,) = work(tasks.fail.enqueue("Unusual")).errors
    assert error.exception_class is tasks.Unusual


def test_every_attempt_adds_a_worker_and_every_failure_an_error(work):
    result = work(tasks.fail_twice.enqueue())
    assert result.status == TaskResultStatus.SUCCESSFUL
    assert result.return_value == 3
    assert result.attempts == len(result.worker_ids) == 3
    assert [error.traceback.splitlines()[-1] for error in result.errors] == [
        "ValueError: attempt 1",
        "ValueError: attempt 2",
    ]
    assert result.started_at < result.last_attempted_at <= result.finished_at


def test_all_errors_are_kept_where_the_last_attempt_failed(work):
    result = work(tasks.fail_thrice.enqueue())
    assert result.status == TaskResultStatus.FAILED
    assert result.attempts == len(result.errors) == 3


def test_return_value_is_told_once_there_is_one(db, work):
    result = tasks.noop.enqueue()
    with pytest.raises(ValueError, match="Task has not finished yet"):
        result.return_value  # noqa: B018
    assert work(result).return_value is None
    failed = work(tasks.fail.enqueue())
    with pytest.raises(ValueError, match="Task failed"):
        failed.return_value  # noqa: B018


@pytest.mark.parametrize(
    ("kind", "value"),
    [("tuple", [1, [2, 3]]), ("bytes", "text"), ("range", [0, 1, 2])],
)
def test_return_value_is_put_into_plain_json(work, kind, value):
    result = work(tasks.give_back.enqueue(kind))
    assert result.status == TaskResultStatus.SUCCESSFUL
    assert result.return_value == value


@pytest.mark.parametrize("kind", ["object", "set", "task"])
def test_return_value_of_an_unsupported_type_fails_the_job(work, kind):
    result = work(tasks.give_back.enqueue(kind))
    assert result.status == TaskResultStatus.FAILED
    (error,) = result.errors
    assert issubclass(error.exception_class, TypeError)
    assert "Unsupported type" in error.traceback
    assert "at the return value" in error.traceback


@pytest.mark.parametrize("kind", ["nan", "integer keys", "lone surrogate", "nul"])
def test_return_value_that_no_database_stores_fails_the_job(work, kind):
    result = work(tasks.give_back.enqueue(kind))
    assert result.status == TaskResultStatus.FAILED
    (error,) = result.errors
    assert "the return value" in error.traceback


def test_arguments_are_put_into_plain_json(work):
    result = tasks.echo.enqueue((1, b"two"), key=("x",))
    assert result.args == [[1, "two"]]
    assert result.kwargs == {"key": ["x"]}
    assert tasks.echo.get_result(result.id).args == [[1, "two"]]
    work()
    assert tasks.seen == [(([1, "two"],), {"key": ["x"]})]


@pytest.mark.parametrize(
    "value", [object(), {1}, float("nan"), {1: 2}, "\0", "\ud800", tasks.noop]
)
def test_argument_that_cannot_be_sent_is_a_type_error(db, value):
    with pytest.raises(TypeError, match=r"args\[0\]"):
        tasks.echo.enqueue(value)
    with pytest.raises(TypeError, match=r"kwargs\['key'\]"):
        tasks.echo.enqueue(key=value)
    with pytest.raises(TypeError, match=r"args\[0\]"):
        async_to_sync(tasks.echo.aenqueue)(value)


@pytest.mark.parametrize(
    ("args", "kwargs"),
    [((1,), {}), ((), {"a": 1})],
)
def test_arguments_that_do_not_fit_the_function_are_a_type_error(db, args, kwargs):
    with pytest.raises(TypeError, match=r"tasks\.noop\(\) cannot be called so"):
        tasks.noop.enqueue(*args, **kwargs)


def test_context_is_no_argument_of_the_caller(db):
    with pytest.raises(TypeError, match="cannot be called so"):
        tasks.tell_context.enqueue()
    with pytest.raises(TypeError, match="cannot be called so"):
        tasks.tell_context.enqueue(1, context=2)
    tasks.tell_context.enqueue(1)


def test_keyword_arguments_may_have_any_name(work):
    names = {"self": 1, "task": 2, "args": 3, "kwargs": 4, "backend": 5, "id": 6}
    names |= {"run_after": 7, "priority": 8, "metadata": 9, "timeout": 10, "ä ö": 11}
    result = work(task_enqueue_by_backend(names))
    assert result.return_value == [[], names]


def task_enqueue_by_backend(kwargs):
    return tasks.echo.get_backend().enqueue(tasks.echo, (), kwargs)


def test_refresh_tells_all_that_has_changed(db, work):
    result = tasks.echo.enqueue(1)
    other = tasks.echo.get_result(result.id)
    work(result)
    assert other.status == TaskResultStatus.READY
    other.refresh()
    assert other == result
    assert other.return_value == result.return_value == [[1], {}]


def test_refresh_may_be_awaited(db, work):
    result = tasks.fail.enqueue()
    work()
    async_to_sync(result.arefresh)()
    assert result.status == TaskResultStatus.FAILED
    assert len(result.errors) == 1


def test_result_knows_the_task_as_it_was_enqueued(db):
    mailed = tasks.noop.using(queue_name="mail", priority=9)
    stored = tasks.noop.get_result(mailed.enqueue().id)
    assert stored.task == mailed
    assert stored.task.func is tasks.noop.func


def test_result_of_a_queue_that_left_the_settings_is_still_there(db, backends):
    result = tasks.mailed.enqueue()
    backends(queues=["default"])
    assert tasks.noop.get_backend().get_result(result.id).task.queue_name == "mail"


def test_result_can_be_pickled(work):
    result = work(tasks.fail.enqueue())
    copy = pickle.loads(pickle.dumps(result))
    assert copy == result
    assert copy.errors == result.errors
