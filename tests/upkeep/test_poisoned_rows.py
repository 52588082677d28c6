"""One row that was spoiled by hand never keeps the other jobs from being rescued."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from django.db import connection

from django_bgtasks.conf import Options
from django_bgtasks.lifecycle import operate
from django_bgtasks.models import (
    MOST_ATTEMPTS,
    Failure,
    FinishedJob,
    Job,
    ReadyJob,
    RunningJob,
)
from django_bgtasks.upkeep.rescue import Death, rescue
from tests.by_hand import write
from tests.inline import InlineWorker, whereabouts
from tests.lifecycle import tasks


def claimed(worker: InlineWorker, count: int = 5) -> tuple[list[Any], list[UUID]]:
    results = tasks.echo.enqueue_many([((number,), {}) for number in range(count)])
    worker.claim(limit=count)
    return results, [UUID(result.id) for result in results]


def rescue_of(worker: InlineWorker) -> Any:
    death = Death(worker.owner.id, worker.owner.name)
    return rescue(worker.vendor, death, Options())


def test_job_whose_attempts_cannot_be_counted_further_is_failed(
    committing_worker: InlineWorker,
) -> None:
    results, ids = claimed(committing_worker)
    write(RunningJob, {"attempt": MOST_ATTEMPTS}, ids[2])
    rescued = rescue_of(committing_worker)
    assert rescued.failed == [ids[2]]
    assert sorted(rescued.ready) == sorted({*ids} - {ids[2]})
    assert not RunningJob.objects.exists()
    results[2].refresh()
    assert results[2].outcome == "lost"
    # Nor does it trouble who retries it, with others.
    others = FinishedJob.objects.get(pk=ids[2])
    assert operate.retry(connection, [others.pk]) == []
    assert whereabouts(results[2]) == ["FinishedJob"]


def test_priority_that_has_no_rank_is_the_lowest(
    committing_worker: InlineWorker,
) -> None:
    _, ids = claimed(committing_worker)
    write(Job, {"priority": -(2**15)}, ids[2])
    assert sorted(rescue_of(committing_worker).ready) == sorted(ids)
    assert ReadyJob.objects.get(pk=ids[2]).rank == 2**15 - 1


def test_priority_that_has_no_rank_keeps_no_job_from_being_given_back_or_retried(
    committing_worker: InlineWorker,
) -> None:
    worker = committing_worker
    _, ids = claimed(worker)
    write(Job, {"priority": -(2**15)}, ids[2])
    assert (
        operate.give_back(worker.vendor, worker.owner.id, {k.hex: 1 for k in ids}) == 5
    )
    worker.run_all()
    assert len(operate.retry(connection, ids)) == 5


@pytest.mark.only_on("sqlite")
@pytest.mark.parametrize("attempt", ["many", 2**62, 1.5])
def test_attempt_that_is_no_number_keeps_no_other_from_being_rescued(
    committing_worker: InlineWorker, attempt: Any
) -> None:
    """SQLite keeps whatever it is given."""
    results, ids = claimed(committing_worker)
    write(RunningJob, {"attempt": attempt}, ids[2])
    rescued = rescue_of(committing_worker)
    assert {*ids} - {ids[2]} <= {*rescued.ready}
    assert not RunningJob.objects.exists()
    assert len(whereabouts(results[2])) == 1


@pytest.mark.only_on("sqlite")
def test_job_that_cannot_be_rescued_is_failed_and_logged(
    committing_worker: InlineWorker, caplog: pytest.LogCaptureFixture
) -> None:
    results, ids = claimed(committing_worker)
    write(RunningJob, {"attempt": "many"}, ids[2])
    rescued = rescue_of(committing_worker)
    assert rescued.failed == [ids[2]]
    assert results[2].task.get_backend().get_result(results[2].id).outcome == "lost"
    assert Failure.objects.get().job_id == ids[2]
    (record,) = [each for each in caplog.records if each.levelname == "ERROR"]
    assert str(ids[2]) in record.getMessage()


def test_job_that_stands_elsewhere_too_stays_there(
    committing_worker: InlineWorker, caplog: pytest.LogCaptureFixture
) -> None:
    worker = committing_worker
    results, ids = claimed(worker)
    now = worker.vendor.now()
    FinishedJob.objects.create(
        job_id=ids[2], outcome="succeeded", attempt=1, finished_at=now
    )
    ReadyJob.objects.create(
        job_id=ids[3], queue_name="default", rank=0, ready_at=now, attempt=1
    )
    rescued = rescue_of(worker)
    assert {*ids} - {ids[2], ids[3]} <= {*rescued.ready}
    assert not RunningJob.objects.exists()
    assert "ReadyJob" in whereabouts(results[3])
    assert "FinishedJob" in whereabouts(results[2])
