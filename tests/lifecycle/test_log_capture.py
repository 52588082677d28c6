"""What a task logs is kept with its attempt, if that is wanted."""

from __future__ import annotations

import asyncio
import logging
import re
import threading
from contextvars import copy_context
from typing import Any
from uuid import UUID

import pytest
from django.db import connection

from django_bgtasks import log_capture, task
from django_bgtasks.lifecycle.dispose import delete
from django_bgtasks.models import JobLog

from . import tasks

logger = tasks.logger


@task(capture_logs=True, max_attempts=2, backoff=0)
def talk(*words: str) -> None:
    for word in words:
        logger.warning(word)
    if words[-1] == "fail":
        raise ValueError("as told")


@task(capture_logs="ERROR")
def talk_of_errors() -> None:
    logger.warning("a warning")
    logger.error("an error")


@task(capture_logs=True)
async def talk_slowly(word: str) -> None:
    logger.warning("%s 1", word)
    await asyncio.sleep(0)
    await asyncio.to_thread(logger.warning, "%s 2", word)


@task(capture_logs=True, atomic=True)
def talk_atomically() -> None:
    logger.warning("inside")


@task(capture_logs=False)
def keep_quiet() -> None:
    logger.error("not to be kept")


def test_nothing_is_kept_unless_it_is_wanted(worker: Any) -> None:
    tasks.deeds["talk"] = lambda: logger.error("x")
    worker.run_result(tasks.do.enqueue("talk"))
    assert not JobLog.objects.exists()


def test_record_says_when_how_grave_and_where(worker: Any) -> None:
    result = worker.run_result(talk.enqueue("hello"))
    (log,) = JobLog.objects.all()
    assert (str(log.job_id), log.attempt, log.left_out) == (result.id, 1, 0)
    moment = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
    assert re.fullmatch(rf"{moment} WARNING tests\.project: hello", log.text)


def test_each_attempt_has_its_own(worker: Any) -> None:
    talk.enqueue("once", "fail")
    worker.run_all()
    logs = JobLog.objects.order_by("attempt")
    assert [log.attempt for log in logs] == [1, 2]
    assert all(log.text.count("once") == 1 for log in logs)


def test_settings_may_want_it_of_all_tasks(worker: Any, options: Any) -> None:
    options(CAPTURE_LOGS="INFO")
    tasks.deeds["talk"] = lambda: logger.error("kept")
    worker.run_result(tasks.do.enqueue("talk"))
    worker.run_result(keep_quiet.enqueue())
    assert [log.text[-4:] for log in JobLog.objects.all()] == ["kept"]


def test_level_is_that_of_the_task(worker: Any) -> None:
    worker.run_result(talk_of_errors.enqueue())
    assert "a warning" not in JobLog.objects.get().text


def test_coroutine_and_its_threads_are_heard(worker: Any) -> None:
    worker.run_result(talk_slowly.enqueue("hi"))
    assert re.findall("hi [12]", JobLog.objects.get().text) == ["hi 1", "hi 2"]


def test_atomic_task_commits_its_log_with_the_rest(worker: Any) -> None:
    worker.run_result(talk_atomically.enqueue())
    assert "inside" in JobLog.objects.get().text


def test_traceback_of_a_record_is_kept(worker: Any) -> None:
    def stumble() -> None:
        try:
            raise LookupError("a stone")
        except LookupError:
            logger.exception("stumbled")

    capture = copy_context().run(_captured, stumble)
    assert "Traceback" in capture.text
    assert capture.text.endswith("LookupError: a stone")


def test_others_are_not_heard() -> None:
    def listen() -> None:
        other = threading.Thread(target=logger.warning, args=("elsewhere",))
        other.start()
        other.join()
        logger.warning("here")

    assert copy_context().run(_captured, listen).text.endswith("here")
    assert "elsewhere" not in copy_context().run(_captured, listen).text


def test_only_the_newest_records_are_kept() -> None:
    def chatter() -> None:
        for number in range(log_capture.MAX_RECORDS + 5):
            logger.warning("line %d.", number)

    text, left_out = copy_context().run(_captured, chatter)
    assert left_out == 5
    assert "line 4." not in text
    assert text.endswith(f"line {log_capture.MAX_RECORDS + 4}.")


def test_long_records_leave_room_for_fewer() -> None:
    def rant() -> None:
        for number in range(10):
            logger.warning("%d%s", number, "x" * log_capture.MAX_CHARACTERS)

    text, left_out = copy_context().run(_captured, rant)
    assert len(text) <= log_capture.MAX_CHARACTERS
    assert left_out
    assert "more characters" in text


@pytest.mark.parametrize("word", ["a\0b", "\ud800"])
def test_what_no_database_stores_is_spelled_out(worker: Any, word: str) -> None:
    tasks.deeds["log"] = lambda: logger.error("odd %s", word)
    worker.run_result(_odd.enqueue())
    assert "odd" in JobLog.objects.get().text


@task(capture_logs=True)
def _odd() -> None:
    tasks.deeds["log"]()


def test_record_that_cannot_be_formatted_does_no_harm(
    worker: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging, "raiseExceptions", False)
    tasks.deeds["log"] = lambda: logger.error("%d", "no number")
    result = worker.run_result(_odd.enqueue())
    assert result.outcome == "succeeded"
    assert not JobLog.objects.exists()


def test_log_goes_with_its_job(worker: Any) -> None:
    result = worker.run_result(talk.enqueue("hello"))
    assert delete(connection, [UUID(result.id)])
    assert not JobLog.objects.exists()


def _captured(deed: Any) -> Any:
    capture = log_capture.begin(0)
    deed()
    return capture.captured()
