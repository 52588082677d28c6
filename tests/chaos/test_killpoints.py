"""Each point is passed by what the product does now, on the way that it takes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from django_bgtasks.compat import task_backends
from django_bgtasks.conf import Options
from django_bgtasks.lifecycle import run
from django_bgtasks.lifecycle.tally import Tally
from django_bgtasks.models import DeferredJob, Plan, Process, ReadyJob, Schedule
from django_bgtasks.periodic import tick
from django_bgtasks.upkeep import presence, promote
from django_bgtasks.upkeep.rescue import Death, rescue
from tests.acceptance.tasks import work_atomic
from tests.inline import InlineWorker
from tests.lifecycle import tasks
from tests.lifecycle.tasks import echo

from . import killpoints

_LONG_AGO = timedelta(minutes=5)
Points = list[str]


@pytest.fixture
def worker(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> Iterator[InlineWorker]:
    options = dict(connection.settings_dict["OPTIONS"])
    monkeypatch.setitem(connection.settings_dict, "OPTIONS", options)
    connection.close()
    worker = InlineWorker()
    worker.vendor.prepare_worker()
    yield worker
    # What a worker's session is told is for nobody else.
    connection.close()


@pytest.fixture
def points(
    worker: InlineWorker, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Points:
    """What is passed from now on."""
    passed: Points = []

    def ordered(point: str) -> int:
        passed.append(point)
        return 0

    monkeypatch.setattr(killpoints, "ordered", ordered)
    killpoints.install(str(tmp_path), monkeypatch.setattr)
    return passed


def moments(points: Points, protocol: str) -> list[str]:
    """Those of the protocol, each as it was last passed; no other is among them."""
    assert {point.partition(".")[0] for point in points} == {protocol}
    last = {point: place for place, point in enumerate(points)}
    return [point.partition(".")[2] for point in sorted(last, key=last.__getitem__)]


IN_AUTOCOMMIT = ["begin", "commit", "committing", "committed", "statement", "end"]
IN_TRANSACTION = ["begin", "statement", "commit", "committing", "committed", "end"]
ANY_ORDER = (IN_AUTOCOMMIT, IN_TRANSACTION)


def test_enqueue(worker: InlineWorker, points: Points) -> None:
    echo.enqueue("new to this process")
    points.clear()
    echo.enqueue("as many before it")
    assert moments(points, "enqueue") in ANY_ORDER
    points.clear()
    echo.using(metadata={"a": 1}).enqueue("of its own form")
    assert moments(points, "enqueue") in ANY_ORDER
    points.clear()
    echo.enqueue_many(((number,), {}) for number in range(3))
    assert moments(points, "enqueue") in ANY_ORDER


def test_short_ways_stay_open(worker: InlineWorker, points: Points) -> None:
    vendor: Any = worker.vendor
    echo.enqueue()
    if connection.vendor == "sqlite":
        assert vendor._free_connection() is not None
    if connection.vendor == "postgresql":
        assert vendor._wire.line() is not None


def test_claim(worker: InlineWorker, points: Points) -> None:
    echo.enqueue()
    worker.vendor.prepare_claims()
    points.clear()
    assert len(worker.claim(queues=["default"])) == 1
    assert moments(points, "claim") in ANY_ORDER


def outcome_of(worker: InlineWorker, task: Any) -> Any:
    task.enqueue()
    (job,) = worker.claim()
    return worker.execute(job)


@pytest.mark.parametrize("task", [echo, tasks.fail_at_once], ids=["end", "retry"])
def test_finish(worker: InlineWorker, points: Points, task: Any) -> None:
    outcome = outcome_of(worker, task)
    points.clear()
    assert worker.finish(outcome).written
    assert moments(points, "finish") in ANY_ORDER


def test_finish_and_claim(worker: InlineWorker, points: Points) -> None:
    outcome = outcome_of(worker, echo)
    echo.enqueue()
    points.clear()
    assert worker.turn([outcome], ["default"]).claimed
    assert moments(points, "finish") in ANY_ORDER


def test_finish_with_figures(worker: InlineWorker, points: Points) -> None:
    tally = Tally()
    tally.add(worker.finish(outcome_of(worker, echo)).written, 0.0)
    outcome = outcome_of(worker, echo)
    points.clear()
    figures = tally.insert(worker.vendor)
    turn = run.turn(worker.vendor, worker.owner, [outcome], figures=figures)
    assert turn.written
    assert moments(points, "finish") == IN_TRANSACTION


def test_finish_with_the_body(worker: InlineWorker, points: Points) -> None:
    work_atomic.enqueue("key")
    (job,) = worker.claim()
    points.clear()
    assert worker.execute(job).written
    assert moments(points, "finish") == IN_TRANSACTION[:-1]
    # What the next attempt in this thread does is not taken for it.
    points.clear()
    echo.enqueue()
    assert moments(points, "enqueue") in ANY_ORDER


def test_promote(worker: InlineWorker, points: Points) -> None:
    echo.using(run_after=60.0).enqueue()
    DeferredJob.objects.update(run_after=worker.vendor.now() - _LONG_AGO)
    points.clear()
    assert promote.promote(worker.vendor)
    assert moments(points, "promote") in ANY_ORDER


def test_tick(worker: InlineWorker, points: Points) -> None:
    Schedule.objects.create(
        name="s",
        task_path="tests.testapp.tasks.record",
        args=["a"],
        crontab="* * * * *",
    )
    backend = task_backends["default"]
    tick.look(worker.vendor, backend, None)
    ago = worker.vendor.now() - _LONG_AGO
    Plan.objects.update(wake_at=ago, next_run_at=ago)
    points.clear()
    tick.look(worker.vendor, backend, None)
    assert ReadyJob.objects.exists()
    assert moments(points, "tick") == IN_TRANSACTION


def test_rescue(worker: InlineWorker, points: Points) -> None:
    echo.enqueue()
    worker.claim()
    points.clear()
    death = Death(worker.owner.id, worker.owner.name, None, frozenset())
    assert rescue(worker.vendor, death, Options()).ready
    assert moments(points, "rescue") == IN_TRANSACTION


def test_heartbeat(worker: InlineWorker, points: Points) -> None:
    assert presence.beat(worker.vendor, [worker.owner.id])
    assert Process.objects.exists()
    assert moments(points, "heartbeat") in ANY_ORDER


def test_signal_is_sent_once_at_the_pass_that_was_ordered(
    worker: InlineWorker, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    sent: list[tuple[int, int]] = []
    monkeypatch.setattr(killpoints.os, "kill", lambda *each: sent.append(each))
    killpoints.install(str(tmp_path), monkeypatch.setattr)
    killpoints.order(tmp_path, "enqueue.end", 2, 15)
    echo.enqueue()
    assert sent == []
    echo.enqueue()
    echo.enqueue()
    assert [number for _, number in sent] == [15]
