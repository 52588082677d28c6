from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import Group
from django.db import connection, transaction
from django.test import TestCase
from django.utils import timezone

from django_bgtasks.compat import TaskResultStatus, task_backends, task_finished
from django_bgtasks.lifecycle import operate
from django_bgtasks.models import Job, Process, RunningJob
from django_bgtasks.testing import BgTasksMixin, arun_pending, run_pending

from . import tasks

pytestmark = pytest.mark.django_db
SUCCESSFUL, FAILED = TaskResultStatus.SUCCESSFUL, TaskResultStatus.FAILED
READY = TaskResultStatus.READY


def test_due_jobs_run_in_this_transaction() -> None:
    result = tasks.note.enqueue("a")
    assert tasks.happened("a") == 0
    (ran,) = run_pending()
    assert tasks.happened("a") == 1
    assert (ran.id, ran.status, ran.return_value) == (result.id, SUCCESSFUL, "a")
    result.refresh()
    assert (result.status, result.return_value) == (SUCCESSFUL, "a")


def test_nothing_to_run_is_fine() -> None:
    assert run_pending() == []


def test_jobs_that_jobs_enqueue_run_too() -> None:
    tasks.note_and_pass_on.enqueue("a", 3)
    assert [each.status for each in run_pending()] == [SUCCESSFUL] * 3
    assert tasks.happened("a") == 3


def test_jobs_run_by_priority_then_first_come_whatever_their_queue() -> None:
    enqueued = [
        tasks.note.enqueue("first"),
        tasks.mail.using(priority=0).enqueue("second"),
        tasks.note.enqueue("third"),
        tasks.mail.enqueue("urgent"),
    ]
    order = [enqueued[index].id for index in (3, 0, 1, 2)]
    assert [each.id for each in run_pending()] == order


def test_limit_leaves_the_rest() -> None:
    results = tasks.note.enqueue_many([(("a",), {}), (("b",), {}), (("c",), {})])
    assert [each.id for each in run_pending(limit=2)] == [
        each.id for each in results[:2]
    ]
    assert run_pending(limit=0) == []
    assert [each.id for each in run_pending()] == [results[2].id]


def test_endless_chain_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django_bgtasks.testing.pending.MOST", 5)
    tasks.for_ever.enqueue()
    with pytest.raises(RuntimeError, match=r"tasks\.for_ever.*Pass limit="):
        run_pending()
    assert len(run_pending(limit=7)) == 7


def test_failure_makes_a_failed_result_and_raises_nothing() -> None:
    tasks.blunder.enqueue("a")
    (result,) = run_pending()
    assert result.status == FAILED
    assert result.errors[0].exception_class is LookupError
    assert "no a" in result.errors[0].traceback
    # As in production, what the task wrote before it failed stays.
    assert tasks.happened("a") == 1


def test_failure_is_raised_if_asked_for() -> None:
    blunder = tasks.blunder.enqueue("a")
    after = tasks.note.enqueue("b")
    with pytest.raises(LookupError, match="no a"):
        run_pending(raise_errors=True)
    blunder.refresh()
    assert blunder.status == FAILED
    assert [each.id for each in run_pending(raise_errors=True)] == [after.id]


def test_attempt_that_is_followed_by_another_raises_nothing() -> None:
    tasks.third_time_lucky.enqueue("a")
    (result,) = run_pending(until=timedelta(days=1), raise_errors=True)
    assert (result.status, result.attempts) == (SUCCESSFUL, 3)


def test_deferred_jobs_wait() -> None:
    later = tasks.note.using(run_after=timedelta(hours=1)).enqueue("a")
    assert run_pending() == []
    later.refresh()
    assert later.status == READY


@pytest.mark.parametrize("as_datetime", [True, False])
def test_until_brings_deferred_jobs_forward(as_datetime: bool) -> None:
    soon = tasks.note.using(run_after=timedelta(hours=1)).enqueue("soon")
    tasks.note.using(run_after=timedelta(hours=3)).enqueue("late")
    until: Any = timedelta(hours=2)
    if as_datetime:
        until = timezone.now() + until
    assert [each.id for each in run_pending(until=until)] == [soon.id]
    assert tasks.happened("late") == 0


def test_until_runs_deferred_jobs_in_the_order_of_their_time() -> None:
    third = tasks.note.using(run_after=timedelta(hours=3), priority=9).enqueue("c")
    first = tasks.note_and_pass_on.using(run_after=timedelta(hours=1)).enqueue("a", 2)
    second = tasks.note.using(run_after=timedelta(hours=2)).enqueue("b")
    ran = [each.id for each in run_pending(until=timedelta(days=1))]
    assert ran[0] == first.id
    # What the first enqueued was due at once, so it comes before the second.
    assert ran[2:] == [second.id, third.id]


def test_until_may_be_naive() -> None:
    tasks.note.using(run_after=timedelta(minutes=1)).enqueue("a")
    until = timezone.make_naive(timezone.now()) + timedelta(hours=1)
    assert len(run_pending(until=until)) == 1


def test_until_of_another_kind_is_refused() -> None:
    from django_bgtasks.compat import InvalidTask

    with pytest.raises(InvalidTask, match="until takes seconds"):
        run_pending(until="tomorrow")  # type: ignore[arg-type]


def test_retry_waits_for_its_time() -> None:
    tasks.third_time_lucky.enqueue("a")
    (result,) = run_pending()
    assert (result.status, result.attempts) == (READY, 1)
    assert result.run_after is not None
    assert run_pending() == []
    (result,) = run_pending(until=timedelta(hours=1))
    assert (result.status, result.attempts, len(result.errors)) == (SUCCESSFUL, 3, 2)
    assert tasks.happened("a") == 3


def test_retry_without_delay_runs_in_the_same_call_and_is_one_result() -> None:
    tasks.twice_at_once.enqueue("a")
    (result,) = run_pending()
    assert (result.status, result.attempts) == (FAILED, 2)


def test_task_that_asks_to_be_run_again_is() -> None:
    tasks.ask_again.enqueue("a")
    assert [each.status for each in run_pending()] == [READY]
    assert [each.status for each in run_pending(until=3600)] == [SUCCESSFUL]


def test_async_task_runs_on_the_same_connection() -> None:
    tasks.think.enqueue("a")
    (result,) = run_pending()
    assert (result.status, result.return_value) == (SUCCESSFUL, "a")
    assert tasks.happened("a") == 1


async def _enqueue_and_run() -> list[Any]:
    await tasks.think.aenqueue("a")
    return await arun_pending()


def test_async_tests_run_jobs_too() -> None:
    from asgiref.sync import async_to_sync

    (result,) = async_to_sync(_enqueue_and_run)()
    assert result.status == SUCCESSFUL


def test_database_error_in_a_task_spoils_nothing_else() -> None:
    """Inside one transaction an IntegrityError would end all that follows."""
    tasks.clash.enqueue("a")
    tasks.note.enqueue("b")
    clash, noted = run_pending()
    assert clash.errors[0].exception_class_path == "django.db.utils.IntegrityError"
    assert noted.status == SUCCESSFUL
    assert (tasks.happened("a"), tasks.happened("b")) == (0, 1)
    assert not connection.needs_rollback


def test_database_error_that_a_task_handles_costs_nothing() -> None:
    tasks.clash_and_recover.enqueue("a")
    assert [each.status for each in run_pending()] == [SUCCESSFUL]
    assert (tasks.happened("a"), Group.objects.count()) == (1, 1)


@pytest.mark.parametrize("good", [True, False])
def test_atomic_task_is_all_or_nothing(good: bool) -> None:
    tasks.all_or_nothing.enqueue("a", good=good)
    (result,) = run_pending()
    assert result.status == (SUCCESSFUL if good else FAILED)
    assert tasks.happened("a") == int(good)


def test_hooks_of_a_task_that_is_rolled_back_are_dropped() -> None:
    tasks.clash.enqueue("a")
    enqueued = list(connection.run_on_commit)
    run_pending()
    assert connection.run_on_commit == enqueued


def test_spoilt_transaction_is_told_of(caplog: pytest.LogCaptureFixture) -> None:
    tasks.all_or_nothing.enqueue("a", good=False)
    run_pending()
    assert "spoilt" not in caplog.text
    tasks.clash.enqueue("a")
    run_pending()
    assert "left the open transaction on 'default' spoilt" in caplog.text


def test_context_tells_and_stores() -> None:
    tasks.tell.enqueue("a")
    (result,) = run_pending()
    result.refresh()
    assert result.return_value == {"attempt": 1, "stop": False}
    assert (result.metadata, result.progress.percent) == ({"key": "a"}, 75)


def test_task_that_keeps_nothing_is_returned_all_the_same() -> None:
    tasks.leave_no_trace.enqueue("a")
    (result,) = run_pending()
    assert (result.status, result.return_value) == (SUCCESSFUL, "a")
    assert not Job.objects.exists()


def test_job_whose_task_is_gone_fails_with_the_reason() -> None:
    job = Job.objects.get(pk=tasks.note.enqueue("a").id)
    Job.objects.filter(pk=job.pk).update(task_path="tests.testing_kit.tasks.gone")
    (result,) = run_pending()
    assert (result.id, result.status) == (str(job.pk), FAILED)
    assert "has no 'gone'" in result.errors[0].traceback


def test_arguments_that_are_no_json_fail_the_job_alone() -> None:
    broken = tasks.note.enqueue("a")
    tasks.note.enqueue("b")
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {Job._meta.db_table} SET args = %s WHERE id = %s",
            ["[", Job._meta.pk.get_db_prep_value(broken.id, connection)],
        )
    run_pending()
    assert (tasks.happened("a"), tasks.happened("b")) == (0, 1)


def test_paused_queue_stays() -> None:
    operate.pause(connection, "mail")
    waiting = tasks.mail.enqueue("a")
    tasks.mail.using(run_after=timedelta(hours=1)).enqueue("later")
    tasks.note.enqueue("b")
    assert len(run_pending(until=timedelta(days=1))) == 1
    waiting.refresh()
    assert waiting.status == READY
    operate.resume(connection, "mail")
    assert len(run_pending(until=timedelta(days=1))) == 2


def test_nothing_is_left_behind() -> None:
    tasks.note.enqueue("a")
    tasks.blunder.enqueue("b")
    run_pending()
    assert not Process.objects.exists()
    assert not RunningJob.objects.exists()


def test_interrupt_propagates_and_gives_the_job_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupted(key: str) -> int:
        raise KeyboardInterrupt

    job = tasks.third_time_lucky.enqueue("a")
    with monkeypatch.context() as patch:
        patch.setattr(tasks, "happened", interrupted)
        with pytest.raises(KeyboardInterrupt):
            run_pending()
    job.refresh()
    assert (job.status, job.attempts) == (READY, 0)
    assert not Process.objects.exists()


def test_signals_are_sent() -> None:
    seen = []

    def note(*, task_result: Any, **kwargs: Any) -> None:
        seen.append((task_result.id, task_result.status))

    result = tasks.note.enqueue("a")
    task_finished.connect(note)
    run_pending()
    task_finished.disconnect(note)
    assert seen == [(result.id, SUCCESSFUL)]


def test_backend_of_another_kind_is_refused(settings: Any) -> None:
    dummy = (
        type(task_backends["default"])
        .__mro__[1]
        .__module__.replace("base", "dummy.DummyBackend")
    )
    settings.TASKS = {"default": {"BACKEND": dummy}}
    with pytest.raises(TypeError, match="is DummyBackend, which keeps no jobs"):
        run_pending()


@pytest.mark.django_db(transaction=True)
def test_runs_outside_of_a_transaction_too() -> None:
    tasks.clash.enqueue("a")
    tasks.note.enqueue("b")
    assert [each.status for each in run_pending()] == [FAILED, SUCCESSFUL]
    # As in a worker, only the statement that failed is undone.
    assert (tasks.happened("a"), tasks.happened("b")) == (1, 1)


def test_runs_inside_an_atomic_block_of_the_test() -> None:
    with transaction.atomic():
        tasks.clash.enqueue("a")
        tasks.note.enqueue("b")
        assert [each.status for each in run_pending()] == [FAILED, SUCCESSFUL]
    assert tasks.happened("b") == 1


def test_time_zone_of_until_counts() -> None:
    tasks.note.using(run_after=timedelta(minutes=30)).enqueue("a")
    east = datetime.now(UTC).astimezone(timezone.get_fixed_timezone(600))
    assert run_pending(until=east) == []
    assert len(run_pending(until=east + timedelta(hours=1))) == 1


class SignUp(BgTasksMixin, TestCase):
    """As a project's own test would be."""

    @classmethod
    def setUpTestData(cls) -> None:
        tasks.note.enqueue("from the class")

    def test_mixin_offers_all_of_it(self) -> None:
        with self.capture_enqueued() as captured:
            tasks.mail.enqueue("user 1")
        self.assert_enqueued(tasks.mail, args=["user 1"], among=captured)
        self.assert_not_enqueued(tasks.blunder)
        assert len(self.enqueued()) == 2
        assert len(self.run_pending()) == 2
        assert tasks.happened("user 1") == 1

    def test_durable_block_is_the_first_one_as_in_production(self) -> None:
        tasks.durable.enqueue("a")
        result = self.run_pending()[-1]
        assert result.status == SUCCESSFUL, result.errors

    async def test_async_method(self) -> None:
        await tasks.think.aenqueue("a")
        assert len(await self.arun_pending()) == 2
        assert await sync_to_async(tasks.happened)("a") == 1
