"""atomic=True: the body, what it enqueues, and the finish, together or not at all."""

from __future__ import annotations

import logging

import pytest

from django_bgtasks.compat import TaskResultStatus, task_finished
from django_bgtasks.conf import Options
from django_bgtasks.exceptions import LateFinish
from django_bgtasks.models import Attempt, FinishedJob, Job, ReadyJob
from django_bgtasks.upkeep.rescue import Death, rescue
from tests.elsewhere import elsewhere
from tests.inline import InlineWorker, whereabouts
from tests.testapp.models import Effect

from . import tasks


def effects():
    return sorted(Effect.objects.values_list("key", flat=True))


def test_body_and_finish_are_committed_together(committing_worker):
    result = tasks.record.enqueue("order")
    (outcome,) = committing_worker.run_ready()
    result.refresh()
    assert result.return_value == "order"
    assert outcome.written
    committing_worker.run_all()
    assert effects() == ["order", "order, and then"]


def test_body_that_fails_leaves_nothing_but_its_failure(committing_worker):
    result = tasks.record_and_fail.enqueue("order")
    committing_worker.run_all()
    result.refresh()
    assert result.status == TaskResultStatus.FAILED
    assert result.errors[0].traceback.endswith("ValueError: after the fact\n")
    assert effects() == []
    assert Job.objects.count() == 1


def test_failed_attempt_leaves_nothing_behind_for_the_next(committing_worker):
    result = tasks.record_at_second.enqueue("try")
    committing_worker.run_all()
    result.refresh()
    assert result.return_value == "try"
    assert result.attempts == 2
    assert effects() == ["try 2"]


def test_return_value_that_is_no_json_takes_the_body_with_it(committing_worker):
    result = committing_worker.run_result(tasks.record_and_return.enqueue("order"))
    assert result.status == TaskResultStatus.FAILED
    assert "Unsupported type" in result.errors[0].traceback
    assert effects() == []


def test_statement_that_fails_takes_the_body_with_it(committing_worker):
    result = committing_worker.run_result(tasks.record_and_break.enqueue())
    assert result.status == TaskResultStatus.FAILED
    assert "there_is_no_such_table" in result.errors[0].traceback
    assert effects() == []


def test_success_that_is_not_kept_is_committed_too(committing_worker, options):
    options(RETENTION=0)
    tasks.record.enqueue("order")
    committing_worker.run_ready()
    assert "order" in effects()
    assert FinishedJob.objects.count() == 0
    # What the body has enqueued is there, its own job is gone.
    assert Job.objects.count() == ReadyJob.objects.count() == 1


def rescued_meanwhile(worker):
    def deed():
        rescue(worker.vendor, Death(worker.owner.id, worker.owner.name), Options())

    return deed


# On SQLite nobody else writes while a task holds the only lock.
@pytest.mark.only_on("postgresql", "mariadb", "mysql")
def test_body_of_an_attempt_that_was_rescued_meanwhile_is_rolled_back(
    committing_worker, caplog
):
    # The rescue is another process's, and committed while the body still runs.
    with elsewhere() as other:
        tasks.deeds["rescued"] = lambda: other.run(rescued_meanwhile(committing_worker))
        tasks.record_and_do.enqueue("rescued")
        with caplog.at_level(logging.WARNING):
            outcome = committing_worker.run(committing_worker.claim_one())
    assert isinstance(outcome.exception, LateFinish)
    assert effects() == []
    assert "Late finish of job" in caplog.text
    assert ReadyJob.objects.get().attempt == 2
    assert Attempt.objects.get().outcome == "lost"


def test_body_of_a_late_attempt_is_rolled_back(committing_worker):
    result = tasks.record.enqueue("order")
    job = committing_worker.claim_one()
    rescued_meanwhile(committing_worker)()
    outcome = committing_worker.run(job)
    assert isinstance(outcome.exception, LateFinish)
    assert effects() == []
    assert whereabouts(result) == ["ReadyJob"]
    InlineWorker("another").run_all()
    result.refresh()
    assert result.return_value == "order"
    assert effects() == ["order", "order, and then"]


def test_late_attempt_is_told_of_nowhere(committing_worker):
    told = []

    def receive(**kwargs):
        told.append(kwargs)

    tasks.record.enqueue("order")
    job = committing_worker.claim_one()
    rescued_meanwhile(committing_worker)()
    task_finished.connect(receive)
    try:
        committing_worker.run(job)
    finally:
        task_finished.disconnect(receive)
    assert told == []


def test_effect_is_had_once_although_two_attempts_ran(committing_worker):
    tasks.record.enqueue("order")
    stale = committing_worker.claim_one()
    rescued_meanwhile(committing_worker)()
    other = InlineWorker("other")
    fresh = other.claim_one()
    committing_worker.run(stale)
    other.run(fresh)
    committing_worker.run(stale)
    assert effects() == ["order"]
