"""Only the attempt that counts may finish a job."""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest

from django_bgtasks.compat import TaskResultStatus, task_finished
from django_bgtasks.conf import Options
from django_bgtasks.lifecycle.outcome import SUCCEEDED
from django_bgtasks.models import (
    Attempt,
    FinishedJob,
    Job,
    Process,
    ReadyJob,
    RunningJob,
)
from django_bgtasks.upkeep.rescue import Death, rescue
from tests.inline import InlineWorker, whereabouts

from . import tasks


@pytest.fixture
def told(db):
    heard = []

    def receive(task_result, **kwargs):
        heard.append((task_result.id, task_result.worker_ids[-1]))

    task_finished.connect(receive)
    yield heard
    task_finished.disconnect(receive)


def take_away(worker):
    """Rescue the worker's jobs, though it lives."""
    return rescue(worker.vendor, Death(worker.owner.id, worker.owner.name), Options())


def test_finish_of_a_rescued_attempt_changes_nothing(worker, caplog):
    result = tasks.echo.enqueue(1)
    outcome = worker.execute(worker.claim_one())
    take_away(worker)
    with caplog.at_level(logging.WARNING):
        turn = worker.finish(outcome)
    assert (turn.written, turn.late) == ([], [outcome])
    assert whereabouts(result) == ["ReadyJob"]
    assert f"Late finish of job {result.id} (tests.lifecycle.tasks.echo)" in caplog.text


def test_finish_of_a_rescued_attempt_does_not_end_the_next(worker):
    result = tasks.echo.enqueue(1)
    outcome = worker.execute(worker.claim_one())
    take_away(worker)
    other = InlineWorker("other")
    second = other.claim_one()
    assert worker.finish(outcome).written == []
    assert whereabouts(result) == ["RunningJob"]
    other.run(second)
    result.refresh()
    assert result.worker_ids == ["worker-1", "other"]
    assert FinishedJob.objects.get().worker == "other"


def test_failure_of_a_rescued_attempt_is_not_retried(worker):
    result = tasks.fail_at_once.enqueue()
    outcome = worker.execute(worker.claim_one())
    take_away(worker)
    worker.finish(outcome)
    assert whereabouts(result) == ["ReadyJob"]
    assert [each.outcome for each in Attempt.objects.all()] == ["lost"]


def test_late_finish_is_not_told_of(worker, told):
    tasks.echo.enqueue(1)
    job = worker.claim_one()
    take_away(worker)
    worker.run(job)
    other = InlineWorker("other")
    other.run_all()
    assert [name for _, name in told] == ["other"]


def test_second_finish_of_the_same_attempt_changes_nothing(worker):
    result = tasks.echo.enqueue(1)
    outcome = worker.execute(worker.claim_one())
    assert worker.finish(outcome).written == [outcome]
    assert worker.finish(outcome).late == [outcome]
    assert FinishedJob.objects.count() == 1
    result.refresh()
    assert result.status == TaskResultStatus.SUCCESSFUL


def test_finish_by_another_process_changes_nothing(worker):
    result = tasks.echo.enqueue(1)
    outcome = worker.execute(worker.claim_one())
    assert InlineWorker("another").finish(outcome).late == [outcome]
    assert whereabouts(result) == ["RunningJob"]


def test_late_ones_among_others_do_not_keep_them_from_finishing(worker):
    tasks.echo.enqueue_many(((number,), {}) for number in range(6))
    outcomes = [worker.execute(job) for job in worker.claim()]
    for outcome in outcomes[::2]:
        RunningJob.objects.filter(pk=outcome.job.id).update(attempt=2)
    turn = worker.finish(*outcomes)
    assert turn.written == outcomes[1::2]
    assert turn.late == outcomes[::2]
    assert FinishedJob.objects.count() == RunningJob.objects.count() == 3


def test_late_success_that_is_not_to_be_kept_deletes_nothing(worker):
    result = tasks.unkept.enqueue()
    outcome = worker.execute(worker.claim_one())
    take_away(worker)
    worker.finish(outcome)
    assert Job.objects.count() == 1
    assert whereabouts(result) == ["ReadyJob"]


def test_job_whose_rows_were_deleted_meanwhile_does_not_come_back(worker):
    tasks.echo.enqueue(1)
    job = worker.claim_one()
    RunningJob.objects.all().delete()
    Job.objects.all()._raw_delete("default")
    assert worker.run(job).kind == "succeeded"
    assert Job.objects.count() == ReadyJob.objects.count() == 0
    assert FinishedJob.objects.count() == 0


def test_of_two_outcomes_of_an_attempt_only_the_first_counts(worker):
    result = tasks.fail_at_once.enqueue()
    given_up = worker.execute(worker.claim_one())
    yielded = replace(given_up, kind=SUCCEEDED, error=None, run_after=None)
    assert worker.finish(given_up, yielded).written == [given_up]
    assert whereabouts(result) == ["ReadyJob"]


def test_outcome_of_a_lost_attempt_is_not_written_with_that_of_the_next(worker):
    result = tasks.fail_at_once.enqueue()
    lost = worker.execute(worker.claim_one())
    row = Process.objects.get(pk=worker.owner.id)
    take_away(worker)
    # As if its next claim had been under way already.
    row.save(force_insert=True)
    latest = worker.execute(worker.claim_one())
    ended = replace(latest, kind=SUCCEEDED, error=None, run_after=None)
    assert worker.finish(lost, ended).written == [ended]
    assert whereabouts(result) == ["FinishedJob"]
