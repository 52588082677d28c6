from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.management.base import CommandError
from django.db import connection

from django_bgtasks.lifecycle import operate
from django_bgtasks.models import Job, Process
from django_bgtasks.testing import run_pending
from django_bgtasks.vendors import vendor_of

from . import tasks

pytestmark = pytest.mark.django_db


def ids(found: Any) -> list[str]:
    return [job["id"] for job in found]


@pytest.fixture
def jobs(claim_job: Any) -> dict[str, str]:
    """One job in every state, in the order of their enqueue."""
    found = {
        "succeeded": tasks.succeed.enqueue(1),
        "failed": tasks.blunder.enqueue(),
        "deferred": tasks.stumble.enqueue(),
    }
    found["cancelled"] = tasks.succeed.using(run_after=timedelta(hours=2)).enqueue()
    found["cancelled"].cancel()
    run_pending()
    found["running"] = tasks.succeed.enqueue(2)
    claim_job()
    found["ready"] = tasks.succeed.using(priority=3).enqueue(3)
    return {state: result.id for state, result in found.items()}


def test_newest_job_comes_first(bgtasks_json: Any, jobs: dict[str, str]) -> None:
    found = bgtasks_json("list")
    assert ids(found) == sorted(jobs.values(), reverse=True)
    assert {job["state"]: job["id"] for job in found} == jobs


@pytest.mark.parametrize(
    "state", ["succeeded", "failed", "cancelled", "deferred", "running", "ready"]
)
def test_state_chooses(bgtasks_json: Any, jobs: dict[str, str], state: str) -> None:
    (job,) = bgtasks_json("list", "--state", state)
    assert (job["id"], job["state"]) == (jobs[state], state)


def test_states_may_be_several(bgtasks_json: Any, jobs: dict[str, str]) -> None:
    found = bgtasks_json("list", "--state", "failed", "--state", "running")
    assert ids(found) == [jobs["running"], jobs["failed"]]
    finished = bgtasks_json("list", "--state", "finished")
    assert {job["state"] for job in finished} == {"succeeded", "failed", "cancelled"}


def test_queue_and_task_choose(bgtasks_json: Any, jobs: dict[str, str]) -> None:
    assert ids(bgtasks_json("list", "--queue", "mail")) == [jobs["deferred"]]
    assert ids(bgtasks_json("list", "--state", "deferred", "--queue", "mail")) == [
        jobs["deferred"]
    ]
    blunder = tasks.blunder.module_path
    assert ids(bgtasks_json("list", "--task", blunder)) == [jobs["failed"]]
    both = ("--state", "finished", "--task", blunder, "--queue", "default")
    assert ids(bgtasks_json("list", *both)) == [jobs["failed"]]


def test_limit_cuts(bgtasks_json: Any, jobs: dict[str, str]) -> None:
    newest = max(jobs.values())
    assert ids(bgtasks_json("list", "--limit", 1)) == [newest]
    states = ("--state", "running", "--state", "ready", "--limit", 1)
    assert ids(bgtasks_json("list", *states)) == [jobs["running"]]


def test_ready_jobs_are_listed_in_the_order_of_their_claim(bgtasks_json: Any) -> None:
    second = tasks.succeed.enqueue()
    first = tasks.succeed.using(priority=1).enqueue()
    assert ids(bgtasks_json("list", "--state", "ready")) == [first.id, second.id]


def test_line_tells_what_matters(bgtasks_json: Any) -> None:
    result = tasks.succeed.using(priority=7, queue_name="slow").enqueue()
    (job,) = bgtasks_json("list")
    assert job.pop("at").endswith("+00:00")
    assert job.pop("enqueued_at").endswith("+00:00")
    assert job == {
        "id": result.id,
        "state": "ready",
        "task": "tests.commands.tasks.succeed",
        "queue": "slow",
        "priority": 7,
        "attempt": 1,
    }


def test_columns_are_for_people(bgtasks: Any, jobs: dict[str, str]) -> None:
    heading, *lines = bgtasks("list").splitlines()
    assert heading.split() == [
        *("ID", "STATE", "TASK", "QUEUE", "PRIORITY", "ATTEMPT", "AT")
    ]
    assert len(lines) == len(jobs)
    assert lines[0].split()[:3] == [
        jobs["ready"],
        "ready",
        "tests.commands.tasks.succeed",
    ]


def test_list_asks_the_database_once(
    bgtasks: Any, jobs: dict[str, str], django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(1):
        bgtasks("list")
    with django_assert_num_queries(1):
        bgtasks("list", "--state", "failed", "--state", "lost")


def test_empty_list_is_no_error(bgtasks: Any, bgtasks_json: Any) -> None:
    assert len(bgtasks("list").splitlines()) == 1
    assert bgtasks_json("list", "--queue", "mail") == []


def test_queue_of_no_such_name_is_refused(bgtasks: Any) -> None:
    with pytest.raises(CommandError, match=r"no queue 'mial'\. Did you mean 'mail'"):
        bgtasks("list", "--queue", "mial")


def test_jobs_of_a_queue_that_has_left_the_settings_are_listed(
    bgtasks_json: Any,
) -> None:
    result = tasks.succeed.enqueue()
    run_pending()
    Job.objects.update(queue_name="former")
    assert ids(bgtasks_json("list", "--queue", "former")) == [result.id]


def test_task_of_no_such_path_is_refused(bgtasks: Any) -> None:
    with pytest.raises(CommandError, match=r"Did you mean '\S+tasks\.succeed'"):
        bgtasks("list", "--task", "tests.commands.tasks.suceed")


@pytest.mark.parametrize(
    "arguments",
    [
        ("--state", "gone"),
        ("--limit", "0"),
        ("--limit", "many"),
        ("--format", "xml"),
        ("--colour", "red"),
    ],
)
def test_bad_option_is_refused_by_name(bgtasks: Any, arguments: Any) -> None:
    with pytest.raises(CommandError, match=arguments[0]):
        bgtasks("list", *arguments)


@pytest.mark.parametrize("verb", ["status", "list", "show", "retry", "pause", "prune"])
def test_backend_must_be_there(bgtasks: Any, verb: str) -> None:
    arguments = {
        "show": [str(uuid4())],
        "retry": [str(uuid4())],
        "pause": ["default"],
    }.get(verb, [])
    with pytest.raises(CommandError, match="--backend other: "):
        bgtasks(verb, *arguments, "--backend", "other")


def test_backend_must_be_ours(bgtasks: Any, settings: Any) -> None:
    from django_bgtasks.compat import CORE

    package = "django.tasks" if CORE else "django_tasks"
    path = f"{package}.backends.dummy.DummyBackend"
    settings.TASKS = {"default": {"BACKEND": path}}
    with pytest.raises(CommandError, match="is DummyBackend, not django_bgtasks"):
        bgtasks("status")


def test_show_tells_everything(bgtasks_json: Any) -> None:
    result = tasks.tell.using(priority=2, metadata={"by": "me"}).enqueue()
    run_pending()
    job = bgtasks_json("show", result.id)
    (attempt,) = job["attempts"]
    assert (job["id"], job["task"]) == (result.id, tasks.tell.module_path)
    assert (job["queue"], job["priority"], job["backend"]) == ("default", 2, "default")
    assert (job["state"], job["return_value"]) == ("succeeded", "told")
    assert job["metadata"] == {"by": "me", "colour": "red"}
    assert job["progress"] == [1.0, 4.0]
    assert (attempt["attempt"], attempt["outcome"]) == (1, "succeeded")
    assert attempt["worker"].startswith("inline-")
    assert attempt["started_at"] <= attempt["finished_at"] == job["finished_at"]


def test_show_tells_each_attempt_with_its_traceback(bgtasks_json: Any) -> None:
    result = tasks.stumble.enqueue()
    run_pending(until=timedelta(hours=2))
    first, second = bgtasks_json("show", result.id)["attempts"]
    assert (first["attempt"], second["attempt"]) == (1, 2)
    for attempt in (first, second):
        assert attempt["outcome"] == "failed"
        assert attempt["exception"] == "builtins.LookupError"
        assert "on a stone" in attempt["traceback"]


def test_show_in_every_state(bgtasks_json: Any, jobs: dict[str, str]) -> None:
    for state, job_id in jobs.items():
        assert bgtasks_json("show", job_id)["state"] == state
    assert bgtasks_json("show", jobs["deferred"])["due"] is not None
    assert bgtasks_json("show", jobs["cancelled"])["attempts"] == []
    (attempt,) = bgtasks_json("show", jobs["running"])["attempts"]
    assert (attempt["outcome"], attempt["worker"]) == (None, "worker-1")


def test_show_of_a_job_whose_process_has_no_row(
    bgtasks_json: Any, jobs: dict[str, str]
) -> None:
    Process.objects.all().delete()
    (attempt,) = bgtasks_json("show", jobs["running"])["attempts"]
    assert attempt["worker"] == ""


def test_show_tells_of_a_cancelled_run(bgtasks: Any, jobs: dict[str, str]) -> None:
    options = tasks.succeed.get_backend().settings.retention
    operate.cancel(connection, UUID(jobs["running"]), options)
    assert "running (was asked to stop)" in bgtasks("show", jobs["running"])


def test_show_for_people(bgtasks: Any) -> None:
    result = tasks.blunder.enqueue("bread")
    run_pending()
    text = bgtasks("show", result.id)
    assert text.startswith(f"tests.commands.tasks.blunder {result.id}\n")
    assert '  args        ["bread"]\n' in text
    assert "Attempt 1: failed after " in text
    assert "LookupError: no bread" in text
    # What there is nothing to say of is left out.
    assert "run after" not in text
    assert "progress" not in text


@pytest.mark.parametrize("bad", ["1", "nonsense", ""])
def test_bad_id_is_refused(bgtasks: Any, bad: str) -> None:
    with pytest.raises(CommandError, match=f"'{bad}' is no job id"):
        bgtasks("show", bad)


def test_unknown_id_is_refused(bgtasks: Any) -> None:
    with pytest.raises(CommandError, match=r"There is no job .* pruned"):
        bgtasks("show", uuid4())


def test_broken_row_can_be_shown(bgtasks: Any) -> None:
    result = tasks.succeed.enqueue()
    vendor = vendor_of(connection)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {vendor.quote(Job._meta.db_table)} SET args = %s", ["[oops"]
        )
    assert "[oops" in bgtasks("show", result.id)
