"""Failures are grouped by task and exception, and dealt with a group at a time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from django_bgtasks.ids import uuid7
from django_bgtasks.models import Failure, Job, ReadyJob
from django_bgtasks.overview.failures import GROUPS, read_failures
from tests.inline import InlineWorker

from . import job_tasks as tasks
from .jobs import ACT, FAILURES, LIST, confirm, page_of, said, text_of

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.fixture
def worker(db: None) -> InlineWorker:
    return InlineWorker()


def failure(task: str, exception: str, minutes_ago: int) -> Failure:
    return Failure.objects.create(
        job_id=uuid7(),
        task_path=task,
        exception_class_path=exception,
        failed_at=NOW - timedelta(minutes=minutes_ago),
    )


@pytest.mark.django_db
def test_failures_are_added_up_by_task_and_exception() -> None:
    for minutes in (30, 10, 20):
        failure("shop.pack", "builtins.ValueError", minutes)
    failure("shop.pack", "builtins.KeyError", 5)
    failure("shop.Pack", "builtins.ValueError", 1)
    found = read_failures("default")
    minute = timedelta(minutes=1)
    assert [(g.task, g.exception, g.number) for g in found.groups] == [
        ("shop.Pack", "builtins.ValueError", 1),
        ("shop.pack", "builtins.KeyError", 1),
        ("shop.pack", "builtins.ValueError", 3),
    ]
    last = found.groups[-1]
    assert (last.first, last.last) == (NOW - 30 * minute, NOW - 10 * minute)
    assert found.whole


@pytest.mark.django_db
def test_only_the_latest_are_added_up_and_older_ones_are_offered() -> None:
    for minutes in range(6):
        failure("shop.pack", "builtins.ValueError", minutes)
    found = read_failures("default", sample=4)
    assert [group.number for group in found.groups] == [4]
    assert found.older == NOW - timedelta(minutes=3)
    older = read_failures("default", found.older, sample=4)
    assert [group.number for group in older.groups] == [2]
    assert older.whole


@pytest.mark.django_db
def test_groups_are_bounded() -> None:
    for number in range(GROUPS + 1):
        failure(f"shop.task{number}", "builtins.ValueError", number)
    found = read_failures("default")
    assert len(found.groups) == GROUPS
    assert found.more_groups


def test_page_shows_groups_with_the_latest_message(
    boss: Client, worker: InlineWorker
) -> None:
    tasks.blunder.enqueue_many([(("first",), {}), (("second",), {})])
    worker.run_all()
    latest = worker.run_result(tasks.log_in.enqueue("eve", "hunter2"))
    text = text_of(boss.get(FAILURES))
    assert "LookupError: no " in text
    assert "PermissionError: ******** is wrong" in text
    assert "hunter2" not in text
    assert page_of(latest) in text


def test_page_takes_few_statements_however_many_failures(
    boss: Client, worker: InlineWorker
) -> None:
    for number in range(GROUPS):
        failure(f"shop.task{number}", "builtins.ValueError", number)
    with CaptureQueriesContext(connection) as queries:
        text_of(boss.get(FAILURES))
    assert len(queries) < 10


@pytest.mark.parametrize(
    ("action", "words"), [("retry", "Retried: 3 jobs."), ("delete", "Deleted: 3 jobs.")]
)
def test_group_is_dealt_with_whole_and_no_other(
    boss: Client, worker: InlineWorker, action: str, words: str
) -> None:
    tasks.blunder.enqueue_many([((), {}) for _ in range(3)])
    worker.run_all()
    other = worker.run_result(tasks.log_in.enqueue("eve", "x"))
    (query,) = {
        each
        for group, each, _ in boss.get(FAILURES).context["groups"]
        if group.task == tasks.blunder.module_path
    }
    post = {"action": action, "all": "1", "query": query, "back": "failures"}
    question = boss.post(ACT, post)
    assert "3 jobs" in text_of(question)
    response = confirm(boss, question)
    assert response["Location"] == FAILURES
    assert said(response) == [words]
    assert [str(row.job_id) for row in Failure.objects.all()] == [other.id]
    assert ReadyJob.objects.count() == (3 if action == "retry" else 0)


def test_group_leads_to_its_jobs(boss: Client, worker: InlineWorker) -> None:
    job = worker.run_result(tasks.blunder.enqueue())
    worker.run_result(tasks.log_in.enqueue("eve", "x"))
    ((_, query, _),) = [
        each
        for each in boss.get(FAILURES).context["groups"]
        if each[0].task == tasks.blunder.module_path
    ]
    page = boss.get(f"{LIST}?{query}").context["page"]
    assert [str(line.id) for line in page.lines] == [job.id]


@pytest.mark.parametrize(
    ("before", "words"),
    [
        ("yesterday", "is no moment"),
        ("2026-13-45T00:00", "is no moment"),
        ("0001-01-01T00:00:00+14:00", "is no moment"),
        ("9999-12-31T23:59:59-12:00", "is no moment"),
        ("2026-05-01T00:00", ""),
        ("2026-05-01T00:00:00+02:00", ""),
    ],
)
def test_moment_that_is_none_is_told(
    boss: Client, worker: InlineWorker, before: str, words: str
) -> None:
    response = boss.get(FAILURES, {"before": before})
    assert words in text_of(response)
    assert bool(words) == bool(said(response))


def test_page_without_failures_says_so(boss: Client, worker: InlineWorker) -> None:
    assert "No job has failed" in text_of(boss.get(FAILURES))


def test_buttons_are_for_those_who_may(
    staff: Callable[..., Client], worker: InlineWorker
) -> None:
    worker.run_result(tasks.blunder.enqueue())
    assert staff().get(FAILURES).status_code == 403
    assert "Retry all" not in text_of(staff("view_job").get(FAILURES))
    text = text_of(staff("view_job", "retry_job").get(FAILURES))
    assert "Retry all" in text
    assert "Discard all" not in text


def test_failure_itself_is_the_page_of_its_job(
    boss: Client, worker: InlineWorker
) -> None:
    job: Any = worker.run_result(tasks.blunder.enqueue())
    response = boss.get(f"{FAILURES}{job.id}/change/")
    assert response["Location"] == page_of(job)
    assert Job.objects.exists()
