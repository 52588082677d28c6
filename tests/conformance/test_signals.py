"""Signals and log records: who, when, how often, and with what at hand."""

from __future__ import annotations

import logging
import threading

import pytest

from django_bgtasks import DatabaseBackend
from django_bgtasks.compat import (
    TaskResultStatus,
    task_enqueued,
    task_finished,
    task_started,
)
from django_bgtasks.models import Job

from . import tasks
from .conftest import LOGGER


def records(caplog, level=logging.DEBUG):
    return [
        (record.levelname, record.getMessage(), bool(record.exc_info))
        for record in caplog.records
        if record.name == LOGGER and record.levelno >= level
    ]


def test_each_signal_of_a_success_is_sent_once_and_in_order(sent, work):
    result = tasks.noop.enqueue()
    assert [each.name for each in sent] == ["enqueued"]
    work()
    assert [(each.name, each.status) for each in sent] == [
        ("enqueued", "READY"),
        ("started", "RUNNING"),
        ("finished", "SUCCESSFUL"),
    ]
    assert {each.result.id for each in sent} == {result.id}


def test_each_signal_of_a_failure_is_sent_once_and_in_order(sent, work):
    work(tasks.fail.enqueue())
    assert [(each.name, each.status) for each in sent] == [
        ("enqueued", "READY"),
        ("started", "RUNNING"),
        ("finished", "FAILED"),
    ]


def test_sender_is_the_class_of_the_backend(sent, work):
    work(tasks.noop.enqueue())
    work(tasks.fail.enqueue())
    assert {each.sender for each in sent} == {DatabaseBackend}


def test_row_is_written_before_the_signal_is_sent(sent, work):
    work(tasks.noop.enqueue())
    work(tasks.fail.enqueue())
    assert [each.stored for each in sent] == [
        *["READY", "RUNNING", "SUCCESSFUL"],
        *["READY", "RUNNING", "FAILED"],
    ]


def test_times_are_set_before_the_signal_that_follows_them(work):
    told = {}

    def note(name):
        def receive(task_result, **kwargs):
            told[name] = {
                each: getattr(task_result, each) is not None
                for each in (
                    "enqueued_at",
                    "started_at",
                    "last_attempted_at",
                    "finished_at",
                )
            }

        return receive

    receivers = [
        (task_enqueued, note("enqueued")),
        (task_started, note("started")),
        (task_finished, note("finished")),
    ]
    for signal, receiver in receivers:
        signal.connect(receiver)
    try:
        work(tasks.noop.enqueue())
    finally:
        for signal, receiver in receivers:
            signal.disconnect(receiver)
    assert [list(told[name].values()) for name in told] == [
        [True, False, False, False],
        [True, True, True, False],
        [True, True, True, True],
    ]


def test_finished_result_is_complete(sent, work):
    result = work(tasks.echo.enqueue(1))
    told = sent[-1].result
    assert told.return_value == result.return_value
    assert told.worker_ids == result.worker_ids
    assert (told.started_at, told.finished_at) == (
        result.started_at,
        result.finished_at,
    )
    failed = work(tasks.fail.enqueue())
    assert sent[-1].result.errors == failed.errors


def test_receivers_find_the_exception_being_handled(sent, work):
    work(tasks.fail.enqueue("SystemExit", "bye"))
    assert isinstance(sent[-1].error, SystemExit)
    assert str(sent[-1].error) == "bye"


def test_receivers_find_no_exception_after_a_success(sent, work):
    work(tasks.noop.enqueue())
    assert [each.error for each in sent] == [None, None, None]


def test_end_is_told_of_the_last_attempt_only(sent, work):
    work(tasks.fail_twice.enqueue())
    assert [each.name for each in sent] == [
        *["enqueued", "started", "started", "started"],
        "finished",
    ]
    assert sent[-1].status == "SUCCESSFUL"


def test_end_is_told_once_where_all_attempts_failed(sent, work):
    work(tasks.fail_thrice.enqueue())
    assert [each.name for each in sent].count("finished") == 1
    assert sent[-1].status == "FAILED"


def test_start_is_told_in_the_thread_that_runs_the_task(work):
    threads = []

    def receive(**kwargs):
        threads.append(threading.current_thread().name)

    task_started.connect(receive)
    try:
        result = work(tasks.thread_name.enqueue())
    finally:
        task_started.disconnect(receive)
    assert threads == [result.return_value]


def test_each_of_many_enqueued_is_told_of(sent):
    results = tasks.echo.enqueue_many(((number,), {}) for number in range(3))
    assert [each.name for each in sent] == ["enqueued"] * 3
    assert [each.result.id for each in sent] == [each.id for each in results]
    assert all(each.stored == "READY" for each in sent)


def test_receiver_of_the_enqueue_that_raises_is_heard_by_the_caller(db):
    def refuse(**kwargs):
        raise PermissionError("not now")

    task_enqueued.connect(refuse)
    try:
        with pytest.raises(PermissionError, match="not now"):
            tasks.noop.enqueue()
    finally:
        task_enqueued.disconnect(refuse)


@pytest.mark.parametrize("signal", [task_started, task_finished])
@pytest.mark.parametrize(
    ("task", "status"),
    [
        (tasks.noop, TaskResultStatus.SUCCESSFUL),
        (tasks.fail, TaskResultStatus.FAILED),
    ],
)
def test_receiver_that_raises_changes_no_outcome(work, caplog, signal, task, status):
    def break_down(**kwargs):
        raise RuntimeError("a broken receiver")

    signal.connect(break_down)
    try:
        result = work(task.enqueue())
    finally:
        signal.disconnect(break_down)
    assert result.status == status
    assert "a broken receiver" in caplog.text


def test_receivers_behind_one_that_raises_are_told_all_the_same(work):
    told = []

    def break_down(**kwargs):
        raise RuntimeError("a broken receiver")

    def receive(task_result, **kwargs):
        told.append(task_result.id)

    task_finished.connect(break_down)
    task_finished.connect(receive)
    try:
        result = work(tasks.noop.enqueue())
    finally:
        task_finished.disconnect(break_down)
        task_finished.disconnect(receive)
    assert told == [result.id]


def test_log_of_a_success(work, caplog):
    with caplog.at_level(logging.DEBUG, LOGGER):
        result = work(tasks.noop.enqueue())
    enqueued, started, finished = records(caplog)
    assert enqueued[0] == "DEBUG"
    assert started[0] == finished[0] == "INFO"
    assert all(
        result.id in message and tasks.noop.module_path in message
        for _, message, _ in (enqueued, started, finished)
    )
    assert "state=RUNNING" in started[1]
    assert "state=SUCCESSFUL" in finished[1]
    assert not enqueued[2]
    assert not started[2]


def test_log_of_a_failure_has_one_error_with_its_traceback(work, caplog):
    with caplog.at_level(logging.DEBUG, LOGGER):
        result = work(tasks.fail.enqueue())
    (error,) = records(caplog, logging.ERROR)
    assert result.id in error[1]
    assert "state=FAILED" in error[1]
    (record,) = [each for each in caplog.records if each.levelno == logging.ERROR]
    kind, exception, traceback = record.exc_info
    assert kind is ValueError
    assert str(exception) == "as told"
    names = []
    while traceback is not None:
        names.append(traceback.tb_frame.f_code.co_name)
        traceback = traceback.tb_next
    assert names[-1] == "fail"


def test_log_of_retried_failures_has_one_error_in_the_end(work, caplog):
    with caplog.at_level(logging.DEBUG, LOGGER):
        work(tasks.fail_thrice.enqueue())
    assert len(records(caplog, logging.ERROR)) == 1


def test_nothing_is_told_of_a_job_that_could_not_be_enqueued(sent):
    with pytest.raises(TypeError):
        tasks.echo.enqueue(object())
    with pytest.raises(TypeError):
        tasks.echo.enqueue_many([((1,), {}), ((object(),), {})])
    assert sent == []
    assert Job.objects.count() == 0
