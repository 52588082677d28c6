"""The overview reads indexes, whatever the tables have grown to."""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from django_bgtasks.compat import task_backends
from django_bgtasks.ids import uuid7_floor
from django_bgtasks.models import (
    DeferredJob,
    FinishedJob,
    Job,
    Process,
    ReadyJob,
    Rollup,
    RunningJob,
)
from django_bgtasks.overview import summary as summaries
from django_bgtasks.overview.figures import PERIODS
from django_bgtasks.overview.summary import read_summary
from django_bgtasks.results import public

from .test_plans import COUNT, Explained, analyze

PARTS = ("queues", "processes", "due")
LARGE = (Job, ReadyJob, DeferredJob, FinishedJob, Rollup)


@pytest.fixture
def grown(committed):
    """Tables with many rows of a day; all ranks, queues and spans occur."""
    now = committed.vendor.now()
    step = timedelta(days=1) / COUNT
    moments = [now - step * number for number in range(COUNT)]
    times = [committed.vendor.to_database(moment) for moment in moments]
    keys = [
        UUID(int=uuid7_floor(moment).int | number).hex
        for number, moment in enumerate(moments)
    ]
    bodies = committed.bodies(keys)
    third = COUNT // 3
    ready = [
        (key, f"q{number % 4}", number % 3 - 1, time, 1)
        for number, (key, time) in enumerate(zip(keys, times, strict=True))
    ][:third]
    deferred = [
        (key, "q1", 0, 1, committed.vendor.to_database(now + step * number))
        for number, key in enumerate(keys[third : 2 * third])
    ]
    finished = [
        (key, "succeeded", 1, "", time, time)
        for key, time in zip(keys, times, strict=True)
    ][2 * third :]
    rollups = [
        ("q1", time, number % 2 * 60, *[1] * 7) for number, time in enumerate(times)
    ]
    figures = ("succeeded", "failed", "retried", "cancelled")
    figures += ("wait_sum", "wait_max", "run_sum")
    insert = committed.insert
    committed.vendor.put(
        [
            bodies,
            insert(
                ReadyJob, ("job_id", "queue_name", "rank", "ready_at", "attempt"), ready
            ),
            insert(
                DeferredJob,
                ("job_id", "queue_name", "rank", "attempt", "run_after"),
                deferred,
            ),
            insert(
                FinishedJob,
                ("job_id", "outcome", "attempt", "worker", "finished_at", "keep_until"),
                finished,
            ),
        ]
    )
    committed.vendor.put(
        [insert(Rollup, ("queue_name", "start_at", "span", *figures), rollups)]
    )
    process = Process.objects.create(
        kind="worker",
        name="w",
        host="h",
        pid=1,
        capacity=4,
        started_at=public(now),
        heartbeat_at=public(now),
    )
    RunningJob.objects.create(
        job_id=UUID(keys[-1]), process=process, attempt=1, claimed_at=public(now)
    )
    for model in LARGE:
        analyze(model)
    return committed


def walked(lines: list[str]) -> list[str]:
    """The lines by which a large table is read from its first row to its last."""
    names = "|".join(model._meta.db_table for model in LARGE)
    whole = re.compile(
        rf"Seq Scan on ({names})\b"
        rf"|^SCAN (({names})|[rsUV]\d*)(?! USING)(\b|$)(?! USING)"
        rf'|"table_name": "({names})".*"access_type": "ALL"'
    )
    return [line for line in lines if whole.search(line)]


def test_overview_walks_no_large_table_in_a_few_statements(grown, monkeypatch):
    # A table that is smaller than the bound may well be read as a whole.
    monkeypatch.setattr(summaries, "MOST_READY", 100)
    for period in PERIODS.values():
        with CaptureQueriesContext(connection) as queries:
            summary = read_summary([task_backends["default"]], PARTS, period)
        # On MySQL one more for each queue and rank that has jobs.
        assert len(queries) <= 15 + 12 * (connection.vendor == "mysql")
        assert len(summary.queues) == 8
    explained = Explained()
    with connection.execute_wrapper(explained):
        read_summary([task_backends["default"]], PARTS, PERIODS["hour"])
    assert explained.of("readyjob")
    assert explained.of("rollup")
    assert walked(explained.lines) == [], explained.lines
    explained = Explained()
    with connection.execute_wrapper(explained):
        list(Job.objects.filter(task_path="none"))
        list(Rollup.objects.filter(failed=7))
    assert len(walked(explained.lines)) == 2, "it would be seen"
