"""A search of jobs looks at so many rows as its windows have, never at all of them."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import connection

from django_bgtasks.ids import uuid7
from django_bgtasks.models import Failure, FinishedJob, Job
from django_bgtasks.overview.failures import read_failures
from django_bgtasks.overview.search import find
from django_bgtasks.overview.terms import Terms
from django_bgtasks.overview.walk import next_batch

from .test_overview_plans import LARGE, grown  # noqa: F401
from .test_plans import Explained, analyze

TABLES = "|".join(model._meta.db_table for model in (*LARGE, Failure))
WHOLE = re.compile(
    rf"Seq Scan on ({TABLES})\b"
    rf"|^SCAN (({TABLES})|[rsUV]\d*)(?! USING)(\b|$)(?! USING)"
    rf'|"table_name": "({TABLES})".*"access_type": "ALL"'
)
TERMS = [
    Terms(),
    *(Terms(state=each) for each in ("ready", "deferred", "finished", "failures")),
    *(Terms(state=each) for each in ("succeeded", "cancelled", "failed")),
    Terms(queue="q1"),
    Terms(queue="none"),
    Terms(task="none"),
    Terms(task="none", state="succeeded"),
    Terms(task="none", state="failures"),
    Terms(task="none", state="deferred"),
    Terms(queue="q1", state="ready"),
    Terms(queue="q1", state="failed"),
    Terms(worker="none"),
    Terms(worker="none", state="finished", queue="q1"),
    Terms(exception="ValueError"),
    Terms(exception="builtins.ValueError", task="shop.tasks.pack"),
    Terms(text="needle"),
    Terms(text="needle", state="failures"),
    Terms(text="n=7", state="finished", queue="q1"),
]


@pytest.fixture
def searched(grown: Any) -> Any:  # noqa: F811
    """Some of the finished jobs have failed."""
    rows = FinishedJob.objects.order_by("pk")
    Failure.objects.bulk_create(
        Failure(
            job_id=pk,
            task_path="shop.tasks.pack",
            exception_class_path="builtins.ValueError",
            failed_at=at,
        )
        for number, (pk, at) in enumerate(rows.values_list("pk", "finished_at"))
        if not number % 3
    )
    analyze(Failure)
    if connection.vendor != "postgresql":
        yield grown
        return
    with connection.cursor() as cursor:
        # So small a table is read as a whole rather than looked up, if it may be.
        cursor.execute("SET enable_seqscan = off")
        yield grown
        cursor.execute("RESET enable_seqscan")


def whole(explained: Explained) -> list[str]:
    return [line for line in explained.lines if WHOLE.search(line)]


def test_no_search_reads_a_table_from_end_to_end(searched: Any) -> None:
    for terms in TERMS:
        explained = Explained()
        with connection.execute_wrapper(explained):
            page = find("default", terms, limit=20, windows=(50, 100))
        assert explained.lines
        assert whole(explained) == [], (terms, explained.lines)
        assert page.looked <= 150


def test_no_batch_reads_a_table_from_end_to_end(
    searched: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("_WINDOW", "_SMALL_WINDOW"):
        monkeypatch.setattr(f"django_bgtasks.overview.walk.{name}", 100)
    for terms in TERMS:
        explained = Explained()
        with connection.execute_wrapper(explained):
            next_batch("default", terms, uuid7(), None, size=20)
        assert whole(explained) == [], (terms, explained.lines)


def test_failures_are_read_by_their_moment(searched: Any) -> None:
    explained = Explained()
    with connection.execute_wrapper(explained):
        read_failures("default", sample=50)
    assert explained.of("failure")
    assert whole(explained) == [], explained.lines


def test_a_walk_would_be_seen(searched: Any) -> None:
    explained = Explained()
    with connection.execute_wrapper(explained):
        list(Job.objects.filter(task_path="none"))
    assert len(whole(explained)) == 1
