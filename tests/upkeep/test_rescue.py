"""The jobs of a dead process run again, and none of them for ever."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from django.db import connection

from django_bgtasks import TaskTimeout
from django_bgtasks.compat import TaskResultStatus
from django_bgtasks.conf import Options, Retention
from django_bgtasks.exceptions import TaskLost
from django_bgtasks.models import (
    Attempt,
    DeferredJob,
    FinishedJob,
    Job,
    Process,
    ReadyJob,
    Rollup,
    RunningJob,
)
from django_bgtasks.upkeep import presence
from django_bgtasks.upkeep.promote import promote
from django_bgtasks.upkeep.rescue import BATCH, Death, find_dead, rescue
from django_bgtasks.vendors import vendor_of
from tests.elsewhere import at_once, elsewhere, impatient
from tests.inline import InlineWorker, whereabouts

from . import tasks

NOBODY = frozenset()


def claimed(worker, count=1):
    """Jobs that the worker holds, as results and as ids."""
    results = tasks.echo.enqueue_many(((n,), {}) for n in range(count))
    worker.claim(limit=count)
    return results, [UUID(result.id) for result in results]


def die(worker, started=None, overdue=NOBODY, **options):
    if started is not None:
        started = frozenset(started)
    death = Death(worker.owner.id, worker.owner.name, started, frozenset(overdue))
    return rescue(worker.vendor, death, Options(**options))


def test_job_is_ready_again_with_its_attempt_counted(worker):
    (result,), ids = claimed(worker)
    rescued = die(worker)
    assert (rescued.ready, rescued.failed) == (ids, [])
    assert whereabouts(result) == ["ReadyJob"]
    assert ReadyJob.objects.get().attempt == 2
    result.refresh()
    assert result.status == TaskResultStatus.READY
    assert result.worker_ids == ["worker-1"]
    (error,) = result.errors
    assert error.exception_class is TaskLost
    assert "Process worker-1 died while it ran the job" in error.traceback


def test_lost_attempt_is_kept_with_its_times(worker):
    claimed(worker)
    claim = RunningJob.objects.get()
    die(worker)
    attempt = Attempt.objects.get()
    assert (attempt.outcome, attempt.attempt, attempt.worker) == (
        "lost",
        1,
        "worker-1",
    )
    assert attempt.started_at == claim.claimed_at <= attempt.finished_at


def test_job_keeps_its_queue_and_priority(worker):
    tasks.echo.using(queue_name="mail", priority=6).enqueue()
    worker.claim()
    die(worker)
    ready = ReadyJob.objects.get()
    assert (ready.queue_name, ready.rank) == ("mail", -6)


def test_row_of_the_process_is_deleted(worker):
    die(worker)
    assert not Process.objects.filter(pk=worker.owner.id).exists()


def test_jobs_of_others_are_left_alone(worker):
    other = InlineWorker("other")
    claimed(worker)
    (result,), _ = claimed(other)
    die(worker)
    assert whereabouts(result) == ["RunningJob"]
    assert Process.objects.filter(pk=other.owner.id).exists()


def test_rescued_job_runs_to_its_end(worker):
    (result,), _ = claimed(worker)
    die(worker)
    InlineWorker("next").run_all()
    result.refresh()
    assert result.return_value == [0]
    assert result.worker_ids == ["worker-1", "next"]
    assert result.started_at < result.last_attempted_at


def test_job_that_was_not_begun_loses_no_attempt(worker):
    (begun, waiting), ids = claimed(worker, 2)
    die(worker, started=ids[:1])
    attempts = dict(ReadyJob.objects.values_list("pk", "attempt"))
    assert attempts == {ids[0]: 2, ids[1]: 1}
    assert [each.job_id for each in Attempt.objects.all()] == ids[:1]
    waiting.refresh()
    assert (waiting.attempts, waiting.errors) == (0, [])
    begun.refresh()
    assert begun.attempts == 1


def test_process_that_had_begun_nothing_loses_nothing(worker):
    results, ids = claimed(worker, 3)
    assert die(worker, started=[]).ready == ids
    assert Attempt.objects.count() == 0
    assert [whereabouts(each) for each in results] == [["ReadyJob"]] * 3


def test_only_the_overdue_lose_an_attempt_where_they_are_known(worker):
    (guilty, innocent), ids = claimed(worker, 2)
    die(worker, started=ids, overdue=ids[:1])
    guilty.refresh()
    innocent.refresh()
    assert guilty.attempts == 1
    assert guilty.errors[0].exception_class is TaskTimeout
    assert "did not yield to its timeout" in guilty.errors[0].traceback
    assert (innocent.attempts, innocent.errors) == (0, [])


def lose(result, times, **options):
    """Have so many processes die of the job, one after the other."""
    for number in range(times):
        worker = InlineWorker(f"victim-{number}")
        (job,) = worker.claim()
        assert str(UUID(job.id)) == result.id
        rescued = die(worker, started=[UUID(job.id)], **options)
    result.refresh()
    return rescued


def test_job_that_kills_again_and_again_is_failed(db):
    result = tasks.echo.enqueue()
    lose(result, 2)
    assert result.status == TaskResultStatus.READY
    rescued = lose(result, 1)
    assert rescued.failed == [UUID(result.id)]
    assert result.status == TaskResultStatus.FAILED
    assert result.outcome == "lost"
    assert result.attempts == len(result.errors) == 3
    assert result.finished_at is not None
    assert whereabouts(result) == ["FinishedJob"]


@pytest.mark.parametrize("most", [1, 2, 5])
def test_options_say_how_many_losses_are_too_many(db, most):
    result = tasks.echo.enqueue()
    if most > 1:
        lose(result, most - 1, max_lost=most)
        assert result.status == TaskResultStatus.READY
    lose(result, 1, max_lost=most)
    assert result.outcome == "lost"


def test_ordinary_failures_are_no_losses(worker):
    result = tasks.fail_later.enqueue()
    worker.run_ready()
    DeferredJob.objects.all().delete()
    ReadyJob.objects.create(
        job_id=result.id,
        queue_name="default",
        rank=0,
        ready_at=worker.vendor.now(),
        attempt=2,
    )
    lose(result, 1, max_lost=2)
    assert result.status == TaskResultStatus.READY
    lose(result, 1, max_lost=2)
    assert result.outcome == "lost"
    assert result.attempts == 3


def test_job_that_was_retried_by_hand_may_be_lost_as_often_as_its_history_allows(db):
    result = tasks.echo.enqueue()
    lose(result, 3)
    result.retry()
    lose(result, 1)
    # It has killed three processes already; the fourth is enough.
    assert result.outcome == "lost"
    assert result.attempts == 4


def test_jobs_that_were_lost_together_get_the_benefit_of_doubt(db):
    results = tasks.echo.enqueue_many(((n,), {}) for n in range(3))
    ids = [UUID(result.id) for result in results]
    for number in range(3):
        worker = InlineWorker(f"victim-{number}")
        DeferredJob.objects.update(run_after=worker.vendor.now())
        worker.turn()  # Claims those that are ready at once.
        promote(worker.vendor)
        worker.claim()
        assert die(worker, started=ids).failed == []
    for result in results:
        result.refresh()
        assert result.status == TaskResultStatus.READY
        assert result.attempts == 3
        assert len(whereabouts(result)) == 1


def test_job_that_was_cancelled_is_finished_so(worker):
    (result,), ids = claimed(worker)
    result.cancel()
    assert die(worker).failed == ids
    result.refresh()
    assert result.outcome == "cancelled"
    assert result.status == TaskResultStatus.FAILED
    assert whereabouts(result) == ["FinishedJob"]


def test_lost_attempts_are_counted_by_what_became_of_them(worker):
    def figures():
        names = ("retried", "failed", "cancelled")
        (row,) = Rollup.objects.values_list(*names)
        Rollup.objects.all().delete()
        return row

    (_, other), ids = claimed(worker, 2)
    die(worker, started=ids[:1])
    assert figures() == (1, 0, 0), "the other had not begun"
    again = InlineWorker("worker-2")
    again.claim()
    RunningJob.objects.filter(pk=other.id).update(cancel_requested=True)
    die(again, max_lost=2)
    assert figures() == (0, 1, 1)


def test_failed_job_is_kept_as_long_as_the_options_say(worker):
    claimed(worker)
    die(worker, max_lost=1, retention=Retention(failed=timedelta(days=2)))
    finished = FinishedJob.objects.get()
    assert finished.keep_until - finished.finished_at == timedelta(days=2)


def test_failed_job_is_kept_for_ever_where_the_options_say_so(worker):
    claimed(worker)
    die(worker, max_lost=1, retention=Retention(failed=None))
    assert FinishedJob.objects.get().keep_until is None


def test_job_whose_body_is_gone_is_forgotten_altogether(worker):
    results, ids = claimed(worker, 2)
    Job.objects.filter(pk=ids[0])._raw_delete("default")
    assert die(worker).ready == ids[1:]
    assert whereabouts(results[0]) == []
    assert [each.job_id for each in Attempt.objects.all()] == ids[1:]


def test_job_with_damaged_arguments_keeps_no_other_from_being_rescued(worker):
    _, ids = claimed(worker, 2)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE django_bgtasks_job SET args = '[1,'")
    assert set(die(worker).ready) == set(ids)


def test_arguments_are_not_even_read(worker, django_assert_max_num_queries):
    claimed(worker, 3)
    with django_assert_max_num_queries(15) as queries:
        die(worker)
    assert all("kwargs" not in query["sql"] for query in queries.captured_queries)


def test_more_jobs_than_fit_a_batch_are_all_rescued(worker):
    _, ids = claimed(worker, BATCH + 20)
    assert set(die(worker).ready) == set(ids)
    assert ReadyJob.objects.count() == len(ids)
    assert RunningJob.objects.count() == 0


def test_rescuing_twice_changes_nothing_more(worker):
    claimed(worker)
    die(worker)
    rescued = die(worker)
    assert not rescued
    assert ReadyJob.objects.get().attempt == 2
    assert Attempt.objects.count() == 1


def test_rescuers_at_once_rescue_each_job_once(committing_worker):
    _, ids = claimed(committing_worker, 200)

    def work():
        return die(committing_worker).ready

    rescued = at_once([work] * 3)
    assert sorted(key for keys in rescued for key in keys) == sorted(ids)
    assert ReadyJob.objects.count() == Attempt.objects.count() == 200


@pytest.mark.only_on("postgresql", "mariadb", "mysql")
def test_rescue_does_not_wait_for_a_job_that_somebody_else_finishes(committing_worker):
    # Of a small table nearly all rows: a planner may read, and lock, all of them.
    _, (held, *free) = claimed(committing_worker, 40)
    with elsewhere() as other, impatient():
        other.begin()
        other.run(lambda: list(RunningJob.objects.select_for_update().filter(pk=held)))
        rescued = die(committing_worker)
        assert sorted(rescued.ready) == sorted(free)
        assert rescued.held
        assert not die(committing_worker)
        other.rollback()
    # It has no owner now, and is found by that.
    (death,) = find_dead(committing_worker.vendor, timedelta(seconds=20))
    rescued = rescue(committing_worker.vendor, death, Options())
    assert rescued.ready == [held]
    assert not rescued.held


def test_process_that_lives_after_all_claims_nothing_more(worker):
    """Else its claims were rescued again and again, and its jobs failed as poison."""
    claimed(worker)
    assert len(die(worker).ready) == 1
    assert worker.claim() == []
    assert len(InlineWorker("other").claim()) == 1


def silence(worker, seconds):
    Process.objects.filter(pk=worker.owner.id).update(
        heartbeat_at=worker.vendor.now() - timedelta(seconds=seconds)
    )


def test_process_that_was_silent_too_long_is_dead(worker):
    other = InlineWorker("other")
    silence(worker, 30)
    silence(other, 10)
    (death,) = find_dead(worker.vendor, timedelta(seconds=20))
    assert (death.process, death.name) == (worker.owner.id, "worker-1")
    assert death.started is None


def test_process_whose_heartbeat_lies_in_the_future_has_to_say_that_it_lives(worker):
    """A hand has set it, or a clock was wrong; its jobs would be nobody's."""
    after = timedelta(seconds=20)
    other, early = InlineWorker("other"), InlineWorker("early")
    silence(worker, -90_000)
    silence(other, -90_000)
    silence(early, -3_600)
    assert find_dead(worker.vendor, after) == []
    presence.beat(other.vendor, [other.owner.id], now=later(19))
    (death,) = find_dead(worker.vendor, after, later(21))
    assert death.process == worker.owner.id


@pytest.mark.only_on("postgresql")
def test_process_whose_heartbeat_is_infinity_has_to_say_that_it_lives(worker):
    with connection.cursor() as cursor:
        cursor.execute("UPDATE django_bgtasks_process SET heartbeat_at = 'infinity'")
    after = timedelta(seconds=20)
    assert find_dead(worker.vendor, after) == []
    (death,) = find_dead(worker.vendor, after, later(21))
    assert death.process == worker.owner.id


def later(seconds):
    return vendor_of(connection).now() + timedelta(seconds=seconds)


def test_live_processes_are_not_dead(worker):
    claimed(worker)
    assert find_dead(worker.vendor, timedelta(seconds=20)) == []


def test_owner_of_running_jobs_that_has_no_row_is_dead(worker):
    claimed(worker, 3)
    Process.objects.all().delete()
    (death,) = find_dead(worker.vendor, timedelta(seconds=20))
    assert (death.process, death.name) == (worker.owner.id, "unknown")
    assert len(rescue(worker.vendor, death, Options()).ready) == 3
    assert find_dead(worker.vendor, timedelta(seconds=20)) == []
