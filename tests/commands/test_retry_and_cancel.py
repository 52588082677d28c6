from __future__ import annotations

from datetime import timedelta
from io import StringIO
from typing import Any
from uuid import uuid4

import pytest
from django.core.management.base import CommandError

from django_bgtasks.compat import TaskResultStatus
from django_bgtasks.models import DeferredJob, FinishedJob, ReadyJob, RunningJob
from django_bgtasks.overview import jobs as overview
from django_bgtasks.testing import run_pending

from . import tasks
from .conftest import Terminal

pytestmark = pytest.mark.django_db
READY, FAILED = TaskResultStatus.READY, TaskResultStatus.FAILED


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overview.batches, "__defaults__", (2, None))


def failed(number: int) -> list[Any]:
    results = tasks.blunder.enqueue_many([((str(n),), {}) for n in range(number)])
    run_pending()
    return results


def test_retry_by_ids_makes_them_ready(bgtasks: Any) -> None:
    first, second, third = failed(3)
    assert bgtasks("retry", first.id, third.id) == "Retried 2 jobs.\n"
    assert {str(pk) for pk in ReadyJob.objects.values_list("pk", flat=True)} == {
        first.id,
        third.id,
    }
    second.refresh()
    assert second.status == FAILED
    run_pending()
    first.refresh()
    assert (first.status, first.attempts) == (FAILED, 2)


def test_retry_of_a_job_that_is_not_finished_is_refused(bgtasks: Any) -> None:
    (done,) = failed(1)
    waiting = tasks.succeed.enqueue()
    with pytest.raises(CommandError) as raised:
        bgtasks("retry", done.id, waiting.id)
    assert str(raised.value).splitlines() == [
        f"Job {waiting.id} is ready, not finished.",
        "Nothing was done.",
    ]
    done.refresh()
    assert done.status == FAILED


def test_ids_are_checked_before_anything_is_written(bgtasks: Any) -> None:
    (done,) = failed(1)
    missing = uuid4()
    with pytest.raises(CommandError, match=f"There is no job {missing}"):
        bgtasks("retry", done.id, missing)
    with pytest.raises(CommandError, match="'12' is no job id"):
        bgtasks("retry", done.id, "12")
    assert not ReadyJob.objects.exists()


@pytest.mark.parametrize("verb", ["retry", "cancel"])
def test_jobs_must_be_named_or_chosen(bgtasks: Any, verb: str) -> None:
    with pytest.raises(CommandError, match="by --state, --queue, --task or --all: one"):
        bgtasks(verb)
    with pytest.raises(CommandError, match="not both"):
        bgtasks(verb, uuid4(), "--all")


@pytest.mark.usefixtures("small_batches")
def test_retry_of_all_failed_ones_goes_in_batches(bgtasks: Any) -> None:
    failed(5)
    tasks.succeed.enqueue()
    run_pending()
    assert bgtasks("retry", "--all", "--no-input") == "Retried 5 jobs.\n"
    assert ReadyJob.objects.count() == 5
    assert FinishedJob.objects.get().outcome == "succeeded"


def test_retry_leaves_cancelled_and_expired_ones_unless_named(bgtasks: Any) -> None:
    cancelled = tasks.succeed.enqueue()
    cancelled.cancel()
    assert bgtasks("retry", "--all", "--no-input") == "There is no such job.\n"
    done = bgtasks("retry", "--state", "cancelled", "--no-input")
    assert done == "Retried 1 job.\n"


def test_retry_by_task_and_queue(bgtasks: Any) -> None:
    failed(2)
    tasks.blunder.using(queue_name="mail").enqueue()
    tasks.stumble.enqueue()
    run_pending(until=timedelta(days=1))
    path = tasks.blunder.module_path
    bgtasks("retry", "--task", path, "--queue", "mail", "--no-input")
    assert ReadyJob.objects.get().queue_name == "mail"
    bgtasks("retry", "--task", path, "--no-input")
    assert ReadyJob.objects.count() == 3
    bgtasks("retry", "--queue", "mail", "--no-input")
    assert ReadyJob.objects.count() == 4


def test_mass_action_is_confirmed_and_says_how_many(bgtasks: Any, answer: Any) -> None:
    failed(3)
    asked = answer("n")
    with pytest.raises(CommandError, match="Nothing was done"):
        bgtasks("retry", "--queue", "default")
    assert asked == ["Retry 3 jobs (failed or lost, queue default)? [y/N] "]
    assert not ReadyJob.objects.exists()
    answer("y")
    assert bgtasks("retry", "--all") == "Retried 3 jobs.\n"


def test_mass_action_without_anybody_to_ask_is_refused(
    bgtasks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed(1)
    monkeypatch.setattr("sys.stdin", StringIO())
    with pytest.raises(CommandError, match="nobody to ask: pass --no-input"):
        bgtasks("retry", "--all")


def test_named_jobs_are_not_asked_about(bgtasks: Any, answer: Any) -> None:
    (done,) = failed(1)
    asked = answer("n")
    bgtasks("retry", done.id)
    assert asked == []


@pytest.mark.usefixtures("small_batches")
def test_progress_is_drawn_on_a_terminal_only(bgtasks: Any) -> None:
    failed(3)
    terminal, pipe = Terminal(), StringIO()
    bgtasks("retry", "--all", "--no-input", stderr=terminal)
    assert "Retry [####################..........] 2 of 3" in terminal.getvalue()
    assert "3 of 3\n" in terminal.getvalue()
    bgtasks("cancel", "--all", "--no-input", stderr=pipe)
    assert pipe.getvalue() == ""


@pytest.mark.usefixtures("small_batches")
def test_cancel_ends_what_waits_and_tells_what_runs(
    bgtasks: Any, claim_job: Any
) -> None:
    running = tasks.succeed.enqueue()
    claim_job()
    for number in range(3):
        tasks.succeed.enqueue(number)
        tasks.succeed.using(run_after=timedelta(hours=1)).enqueue(number)
    assert bgtasks("cancel", "--all", "--no-input") == "Cancelled 7 jobs.\n"
    assert not ReadyJob.objects.exists()
    assert not DeferredJob.objects.exists()
    assert RunningJob.objects.get(pk=running.id).cancel_requested
    outcomes = FinishedJob.objects.values_list("outcome", flat=True)
    assert list(outcomes) == ["cancelled"] * 6


def test_cancel_by_state_leaves_the_others(bgtasks: Any, claim_job: Any) -> None:
    tasks.succeed.enqueue()
    claim_job()
    tasks.succeed.enqueue()
    later = tasks.succeed.using(run_after=timedelta(hours=1)).enqueue()
    bgtasks("cancel", "--state", "deferred", "--no-input")
    later.refresh()
    assert later.outcome == "cancelled"
    assert ReadyJob.objects.count() == 1
    assert not RunningJob.objects.get().cancel_requested


def test_cancel_by_id_of_a_finished_job_is_refused(bgtasks: Any) -> None:
    (done,) = failed(1)
    with pytest.raises(CommandError, match=f"Job {done.id} is failed, so it has"):
        bgtasks("cancel", done.id)


def test_cancel_by_ids(bgtasks: Any) -> None:
    first, second = tasks.succeed.enqueue(1), tasks.succeed.enqueue(2)
    assert bgtasks("cancel", first.id) == "Cancelled 1 job.\n"
    first.refresh()
    second.refresh()
    assert (first.status, first.outcome) == (FAILED, "cancelled")
    assert second.status == READY


def test_state_of_the_other_verb_is_refused(bgtasks: Any) -> None:
    with pytest.raises(CommandError, match="--state"):
        bgtasks("retry", "--state", "ready", "--no-input")
    with pytest.raises(CommandError, match="--state"):
        bgtasks("cancel", "--state", "failed", "--no-input")


@pytest.mark.parametrize("verb", ["retry", "cancel"])
def test_unknown_queue_and_task_are_refused(bgtasks: Any, verb: str) -> None:
    with pytest.raises(CommandError, match="There is no queue 'defualt'"):
        bgtasks(verb, "--queue", "defualt", "--no-input")
    with pytest.raises(CommandError, match=r"There is no task 'no\.such'"):
        bgtasks(verb, "--task", "no.such", "--no-input")


def test_number_of_a_great_many_is_a_lower_bound(
    bgtasks: Any, answer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed(3)
    monkeypatch.setattr(overview.count, "__defaults__", (2,))
    asked = answer("y")
    assert bgtasks("retry", "--all") == "Retried 3 jobs.\n"
    assert asked[0].startswith("Retry 2+ jobs ")


@pytest.mark.usefixtures("small_batches")
def test_jobs_enqueued_meanwhile_are_left(
    bgtasks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise a busy site would never see the end of it."""
    from django_bgtasks.management.verbs.mass import CancelVerb

    act = CancelVerb.act

    def act_while_others_enqueue(*arguments: Any) -> int:
        tasks.succeed.enqueue("new")
        tasks.succeed.enqueue("new")
        return act(*arguments)

    for number in range(4):
        tasks.succeed.enqueue(number)
    monkeypatch.setattr(CancelVerb, "act", act_while_others_enqueue)
    assert bgtasks("cancel", "--all", "--no-input") == "Cancelled 4 jobs.\n"
