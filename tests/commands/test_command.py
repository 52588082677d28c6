"""The command as a process, and as a parser."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from django_bgtasks.compat import TaskResultStatus
from django_bgtasks.management.commands.bgtasks import VERBS
from tests.processes import CommandProcess
from tests.testapp import tasks as testapp

RunManage = Callable[..., CommandProcess]


@pytest.mark.once
def test_health_probe_exits_with_one(run_manage: RunManage) -> None:
    healthy = run_manage("bgtasks", "status", "--min-workers", 0)
    assert healthy.wait() == 0
    sick = run_manage("bgtasks", "status", "--min-workers", 1)
    assert sick.wait() == 1
    assert "Worker processes alive: 0, fewer than 1." in sick.output


@pytest.mark.once
def test_worker_verb_is_runworker(run_manage: RunManage) -> None:
    result = testapp.record.enqueue("a")
    worker = run_manage("bgtasks", "worker", "--burst", "--threads", 1, "-v", 2)
    assert worker.wait() == 0, worker.output
    result.refresh()
    assert result.status == TaskResultStatus.SUCCESSFUL


@pytest.mark.once
def test_status_sees_a_worker_and_what_it_did(run_manage: RunManage) -> None:
    result = testapp.record.enqueue("a")
    worker = run_manage("bgtasks", "worker", "--queues", "default,mail")
    result.wait(timeout=60)
    status = run_manage("bgtasks", "status", "--format", "json", "--min-workers", 1)
    assert status.wait() == 0, status.output
    found = json.loads(status.output)
    (process,) = [each for each in found["processes"] if each["kind"] == "worker"]
    assert set(process["queues"]) == {"default", "mail"}
    assert found["queues"][0]["done_per_second_1m"] > 0
    assert worker.stop() == 0


@pytest.mark.once
def test_resumed_queue_is_served_by_a_running_worker(run_manage: RunManage) -> None:
    assert run_manage("bgtasks", "pause", "default").wait() == 0
    paused = testapp.record.enqueue("paused")
    other = testapp.record.using(queue_name="mail").enqueue("other")
    worker = run_manage("bgtasks", "worker")
    other.wait(timeout=60)
    paused.refresh()
    assert paused.status == TaskResultStatus.READY
    assert run_manage("bgtasks", "resume", "default").wait() == 0
    assert paused.wait(timeout=60).status == TaskResultStatus.SUCCESSFUL
    assert worker.stop() == 0


@pytest.mark.once
def test_options_of_django_may_follow_the_verb(
    run_manage: RunManage, worker_env: dict[str, str]
) -> None:
    settings = worker_env.pop("DJANGO_SETTINGS_MODULE")
    after = run_manage("bgtasks", "list", "--settings", settings, "--no-color")
    assert after.wait() == 0, after.output
    before = run_manage("bgtasks", "--settings", settings, "list", "--limit", 1)
    assert before.wait() == 0, before.output


@pytest.mark.once
def test_unknown_verb_is_refused_with_the_list(run_manage: RunManage) -> None:
    process = run_manage("bgtasks", "statsu")
    assert process.wait() == 2
    assert "invalid choice: 'statsu'" in process.output
    assert "status" in process.output


@pytest.mark.django_db
@pytest.mark.parametrize("verb", [each.name for each in VERBS])
def test_unknown_option_of_a_verb_is_refused(verb: str) -> None:
    needed = {
        "show": ["x"],
        "pause": ["x"],
        "resume": ["x"],
        "schedules": ["list"],
        "grants": ["web", "x"],
    }.get(verb, [])
    with pytest.raises(CommandError, match="unrecognized arguments: --nonsense"):
        call_command("bgtasks", verb, *needed, "--nonsense")


@pytest.mark.django_db
@pytest.mark.parametrize(
    "arguments",
    [
        ("list", "--queue", "\udcff"),
        ("pause", "ok", "\udcff"),
        ("schedules", "export", "\udcff"),
    ],
)
def test_bytes_of_a_shell_that_are_no_text_are_refused(
    arguments: tuple[str, ...],
) -> None:
    with pytest.raises(CommandError, match="udcff is no text in UTF-8"):
        call_command("bgtasks", *arguments)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "arguments",
    [("list", "--limit", "9" * 30), ("schedules", "next", "x", "--count", "10001")],
)
def test_number_beyond_all_use_is_refused(arguments: tuple[str, ...]) -> None:
    with pytest.raises(CommandError, match="is more than 10"):
        call_command("bgtasks", *arguments)


@pytest.mark.once
@pytest.mark.parametrize("path", ["missing/db.sqlite3", "empty.sqlite3"])
def test_database_that_cannot_be_used_is_a_clear_error(
    run_manage: RunManage, tmp_path: Any, path: str
) -> None:
    """One is not there, the other has no tables."""
    address = f"sqlite:///{tmp_path}/{path}"
    process = run_manage(
        "bgtasks", "status", env={"BGTASKS_TEST_DATABASE_URL": address}
    )
    assert process.wait() == 1
    assert "CommandError: The database does not answer as it should" in process.output
    assert "has 'manage.py migrate' been run?" in process.output
    assert "Traceback" not in process.output
