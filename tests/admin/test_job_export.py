"""Jobs are exported as they are found, without what is hidden."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from django_bgtasks.admin import job_export
from django_bgtasks.sensitive import HIDDEN
from tests.inline import InlineWorker

from . import job_tasks as tasks
from .jobs import LIST, ids_of, said, streamed, text_of

CSV, JSON = (f"{LIST}export/jobs.{kind}" for kind in ("csv", "json"))


@pytest.fixture
def worker(db: None) -> InlineWorker:
    return InlineWorker()


def test_json_holds_the_jobs_that_are_meant(boss: Client, worker: InlineWorker) -> None:
    worker.run_result(tasks.greet.enqueue("ada", user_id=7))
    failed = worker.run_result(tasks.blunder.enqueue())
    (row,) = json.loads(streamed(boss.get(JSON, {"state": "failures"})))
    assert row["id"] == failed.id
    assert (row["state"], row["exception"]) == ("failed", "builtins.LookupError")
    assert len(json.loads(streamed(boss.get(JSON)))) == 2
    assert json.loads(streamed(boss.get(JSON, {"queue": "mail"}))) == []


def test_csv_holds_the_same(boss: Client, worker: InlineWorker) -> None:
    job = worker.run_result(tasks.greet.enqueue('a,b\n"c"', user_id=7))
    (row,) = csv.DictReader(io.StringIO(streamed(boss.get(CSV))))
    assert row["id"] == job.id
    assert json.loads(row["args"]) == ['a,b\n"c"']
    assert json.loads(row["kwargs"]) == {"user_id": 7}
    assert json.loads(row["return_value"]) == 'hello a,b\n"c"'


def test_all_batches_are_written(
    boss: Client, worker: InlineWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_export, "_BATCH", 3)
    monkeypatch.setattr(job_export, "_MOST_HELD", 30)
    jobs = tasks.greet.enqueue_many([((str(n),), {}) for n in range(10)])
    found = json.loads(streamed(boss.get(JSON)))
    assert [row["id"] for row in found] == ids_of(*jobs)
    assert [row["args"] for row in found] == [[str(n)] for n in range(10)]


def test_sensitive_values_are_hidden(boss: Client, worker: InlineWorker) -> None:
    worker.run_result(tasks.log_in.enqueue("ada", "hunter2"))
    for address in (CSV, JSON):
        text = streamed(boss.get(address))
        assert "hunter2" not in text
        assert HIDDEN in text


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@x", "\t=1", "\n=1", "\uff1d1+1"]
)
def test_formula_is_disarmed(boss: Client, worker: InlineWorker, text: str) -> None:
    assert job_export._cell("queue", text) == f"'{text}"
    assert job_export._cell("priority", -5) == "-5"


def test_values_are_for_those_who_may_see_them(
    staff: Callable[..., Client], worker: InlineWorker
) -> None:
    tasks.greet.enqueue("needle")
    just: Any = staff("view_job")
    assert CSV in text_of(just.get(LIST))
    for address in (CSV, JSON):
        text = streamed(just.get(address))
        assert "needle" not in text
        assert "args" not in text
        assert staff().get(address).status_code == 403


@pytest.mark.parametrize("kind", ["xml", "csv.exe"])
def test_other_formats_are_refused(
    boss: Client, worker: InlineWorker, kind: str
) -> None:
    assert boss.get(f"{LIST}export/jobs.{kind}").status_code == 404


def test_filter_that_cannot_be_is_told(boss: Client, worker: InlineWorker) -> None:
    response = boss.get(CSV, {"state": "asleep"})
    assert response["Location"] == f"{LIST}?state=asleep"
    assert said(response) == ["The filter is not valid, so there is nothing to export."]


def test_export_is_noted(boss: Client, worker: InlineWorker) -> None:
    streamed(boss.get(CSV, {"state": "failures", "queue": "mail"}))
    entry = LogEntry.objects.get()
    assert entry.user.username == "boss"
    assert "Export (csv)" in entry.change_message
    assert "Queue: mail" in entry.change_message
