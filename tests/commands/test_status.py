from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.management.base import CommandError
from django.db import connection
from django.db.models import F

from django_bgtasks.models import (
    DeferredJob,
    FinishedJob,
    Process,
    ReadyJob,
    RunningJob,
)
from django_bgtasks.overview import counts, health, queues
from django_bgtasks.testing import run_pending
from django_bgtasks.vendors import vendor_of

from . import tasks

pytestmark = pytest.mark.django_db


@pytest.fixture
def queue(bgtasks_json: Any) -> Any:
    def read(name: str = "default") -> Any:
        (found,) = [
            each for each in bgtasks_json("status")["queues"] if each["name"] == name
        ]
        return found

    return read


def test_quiet_queues_are_shown(bgtasks_json: Any) -> None:
    status = bgtasks_json("status")
    assert [each["name"] for each in status["queues"]] == ["default", "mail", "slow"]
    assert all(each["ready"] == each["running"] == 0 for each in status["queues"])
    assert (status["processes"], status["workers_alive"]) == ([], 0)
    assert (status["healthy"], status["problems"]) == (True, [])
    assert status["database"] == "default"


def test_jobs_are_counted_by_queue_and_state(queue: Any, claim_job: Any) -> None:
    tasks.succeed.enqueue()
    claim_job()
    tasks.succeed.enqueue_many([((n,), {}) for n in range(3)])
    tasks.succeed.using(run_after=timedelta(hours=1)).enqueue()
    tasks.stumble.enqueue()
    default, mail = queue("default"), queue("mail")
    assert (default["ready"], default["running"], default["deferred"]) == (3, 1, 1)
    assert (mail["ready"], mail["running"], mail["deferred"]) == (1, 0, 0)
    assert default["ready_is_exact"]


def test_queue_that_only_jobs_know_is_shown(queue: Any) -> None:
    tasks.succeed.enqueue()
    ReadyJob.objects.update(queue_name="former")
    assert queue("former")["ready"] == 1


def test_paused_queue_is_shown_as_such(bgtasks: Any, queue: Any) -> None:
    bgtasks("pause", "mail")
    assert queue("mail")["paused_at"] is not None
    assert queue("default")["paused_at"] is None
    assert "mail (paused)" in bgtasks("status")


def test_age_is_that_of_the_oldest_whatever_its_priority(queue: Any) -> None:
    assert queue()["oldest_seconds"] is None
    tasks.succeed.using(priority=50).enqueue()
    tasks.succeed.enqueue()
    tasks.succeed.using(priority=-50).enqueue()
    tasks.succeed.using(priority=-50).enqueue()
    waits = {50: 10, 0: 3_000, -50: 500}
    for priority, seconds in waits.items():
        rows = ReadyJob.objects.filter(rank=-priority)
        rows.update(ready_at=F("ready_at") - timedelta(seconds=seconds))
    assert 3_000 <= queue()["oldest_seconds"] < 3_100


def test_due_job_that_nobody_promotes_counts_as_waiting(queue: Any) -> None:
    """It would, without a worker, be neither ready nor seen to wait."""
    tasks.succeed.using(run_after=timedelta(hours=1)).enqueue()
    assert queue()["oldest_seconds"] is None
    DeferredJob.objects.update(run_after=F("run_after") - timedelta(hours=2))
    assert 3_500 < queue()["oldest_seconds"] < 3_700


def test_count_reads_no_more_than_it_must() -> None:
    tasks.succeed.enqueue_many([((n,), {}) for n in range(5)])
    for _ in range(4):
        tasks.succeed.using(run_after=timedelta(hours=1)).enqueue()
    vendor = vendor_of(connection)
    state = {each.name: each for each in queues.read_queues(vendor, set(), most=3)}
    assert state["default"].ready == (3, False)
    assert state["default"].deferred == (3, False)
    assert str(state["default"].ready) == "3+"
    assert counts.bounded(ReadyJob.objects.all(), 5) == (5, True)


def test_status_takes_as_many_queries_for_many_jobs_as_for_few(
    bgtasks: Any, django_assert_max_num_queries: Any
) -> None:
    tasks.succeed.enqueue_many([((n,), {}) for n in range(300)])
    for n in range(30):
        tasks.blunder.enqueue(str(n))
    run_pending(limit=20)
    with django_assert_max_num_queries(30):
        bgtasks("status")


def test_processes_are_shown(bgtasks: Any, bgtasks_json: Any, claim_job: Any) -> None:
    tasks.succeed.enqueue()
    claim_job()
    (process,) = bgtasks_json("status")["processes"]
    assert process["heartbeat_seconds"] < 60
    assert (process["name"], process["kind"], process["pid"]) == (
        *("worker-1", "worker"),
        7,
    )
    assert (process["running"], process["capacity"]) == (1, 4)
    assert (process["alive"], process["queues"]) == (True, ["default"])
    line = bgtasks("status").splitlines()[-1]
    assert line.split()[:2] == ["worker-1", "worker"]
    assert " alive " in line
    assert " 1/4 " in line


def test_silent_process_is_dead(
    bgtasks: Any, claim_job: Any, bgtasks_json: Any
) -> None:
    tasks.succeed.enqueue()
    claim_job()
    Process.objects.update(heartbeat_at=F("heartbeat_at") - timedelta(seconds=21))
    status = bgtasks_json("status")
    assert (status["processes"][0]["alive"], status["workers_alive"]) == (False, 0)
    assert " dead " in bgtasks("status")


def test_without_a_worker_it_says_how_to_start_one(bgtasks: Any) -> None:
    assert "No worker is running: start one" in bgtasks("status")


@pytest.mark.parametrize(
    ("option", "good", "bad", "problem"),
    [
        ("--max-depth", 2, 1, "Queue 'default': 2 ready, more than 1."),
        ("--max-age", "10m", "1m", "Queue 'default': a job has waited for 300 s, "),
        ("--max-failed", 1, 0, "Queue 'mail': 1 failed in the last five minutes, "),
        ("--min-workers", 0, 1, "Worker processes alive: 0, fewer than 1."),
    ],
)
def test_limits_make_it_a_health_probe(
    bgtasks: Any, option: str, good: Any, bad: Any, problem: str
) -> None:
    tasks.blunder.using(queue_name="mail").enqueue()
    run_pending()
    tasks.succeed.enqueue_many([((1,), {}), ((2,), {})])
    ReadyJob.objects.update(ready_at=F("ready_at") - timedelta(seconds=300))
    assert "QUEUE" in bgtasks("status", option, good)
    with pytest.raises(CommandError) as raised:
        bgtasks("status", option, bad)
    assert str(raised.value).startswith(problem)
    assert raised.value.returncode == 1


def test_every_crossed_limit_is_named(bgtasks: Any) -> None:
    tasks.succeed.enqueue()
    with pytest.raises(CommandError) as raised:
        bgtasks("status", "--max-depth", 0, "--min-workers", 1)
    assert len(str(raised.value).splitlines()) == 2


def test_crossed_limits_are_in_the_json(bgtasks: Any, capsys: Any) -> None:
    import json

    from django.core.management import call_command

    with pytest.raises(CommandError):
        call_command("bgtasks", "status", min_workers=2, format="json")
    status = json.loads(capsys.readouterr().out)
    assert status["healthy"] is False
    assert status["problems"] == ["Worker processes alive: 0, fewer than 2."]


def test_paused_queue_is_never_too_full(bgtasks: Any) -> None:
    tasks.succeed.enqueue()
    bgtasks("pause", "default")
    assert "paused" in bgtasks("status", "--max-depth", 0, "--max-age", 0)


def test_depth_is_counted_as_far_as_its_limit(
    bgtasks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "MOST", 1)
    tasks.succeed.enqueue_many([((n,), {}) for n in range(3)])
    assert "QUEUE" in bgtasks("status", "--max-depth", 3)
    with pytest.raises(CommandError, match=r"2\+ ready, more than 2"):
        bgtasks("status", "--max-depth", 2)


@pytest.mark.parametrize("option", ["--max-depth", "--max-failed", "--min-workers"])
@pytest.mark.parametrize("bad", ["-1", "few", "1.5"])
def test_limit_that_is_no_number_is_refused(
    bgtasks: Any, option: str, bad: str
) -> None:
    with pytest.raises(CommandError, match=option):
        bgtasks("status", f"{option}={bad}")


def test_finished_jobs_make_the_rates(queue: Any) -> None:
    tasks.succeed.enqueue_many([((n,), {}) for n in range(6)])
    tasks.blunder.enqueue()
    tasks.blunder.using(queue_name="mail").enqueue()
    run_pending()
    default, mail = queue("default"), queue("mail")
    assert default["done_per_second_1m"] == pytest.approx(7 / 60, abs=0.001)
    assert default["done_per_second_5m"] == pytest.approx(7 / 300, abs=0.001)
    assert (default["failed_5m"], mail["failed_5m"]) == (1, 1)
    assert default["rates_are_exact"]


def test_state_tables_are_only_read(bgtasks: Any, claim_job: Any) -> None:
    tasks.succeed.enqueue()
    claim_job()
    tasks.succeed.enqueue()
    tasks.blunder.using(run_after=timedelta(hours=1)).enqueue()
    models = (ReadyJob, DeferredJob, RunningJob, FinishedJob, Process)
    before = [list(model.objects.values()) for model in models]
    bgtasks("status")
    bgtasks("list")
    assert [list(model.objects.values()) for model in models] == before
