"""Figures: what workers count of attempts that ended, and when it is written."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.db import OperationalError, connection
from django.db.models import Max, Sum

from django_bgtasks.lifecycle import run
from django_bgtasks.lifecycle.outcome import (
    CANCELLED,
    EXPIRED,
    FAILED,
    LOST,
    RELEASED,
    RETRY,
    SUCCEEDED,
    Outcome,
)
from django_bgtasks.lifecycle.tally import WRITE_EVERY, Tally
from django_bgtasks.models import FinishedJob, Rollup, RunningJob
from django_bgtasks.processes.claims import Claims
from django_bgtasks.processes.config import WorkerConfig

from . import tasks

START = datetime(2026, 1, 1, 12, 30, 59, tzinfo=UTC)
MINUTE = START.replace(second=0)


def sums():
    """The figures of each queue, all rows together."""
    names = ("succeeded", "failed", "retried", "cancelled", "wait_sum", "run_sum")
    rows = Rollup.objects.values_list("queue_name").order_by("queue_name")
    totals = rows.annotate(*map(Sum, names), Max("wait_max"))
    return {row[0]: row[1:] for row in totals}


def write(worker, tally):
    run.turn(worker.vendor, worker.owner, figures=tally.insert(worker.vendor))


@pytest.fixture
def ended(worker):
    """Make an outcome: ready at START, begun and ended so many seconds later."""
    tasks.echo.enqueue()
    job = worker.claim_one()

    def make(kind=SUCCEEDED, wait=2.0, ran=1.0, queue_name="default"):
        begun = START.timestamp() + wait
        there = replace(job, queue_name=queue_name, ready_at=START)
        return Outcome(there, kind, begun, begun + ran)

    return make


def test_every_kind_of_outcome_has_its_place(worker, ended):
    tally = Tally()
    kinds = [*[SUCCEEDED] * 4, FAILED, EXPIRED, LOST, RETRY, RETRY, CANCELLED]
    tally.add([ended(kind) for kind in kinds], 0.0)
    write(worker, tally)
    assert sums() == {"default": (4, 3, 2, 1, 20.0, 10.0, 2.0)}


def test_waits_and_runs_are_added_up_by_queue(worker, ended):
    tally = Tally()
    tally.add([ended(wait=1.5), ended(wait=3, queue_name="mail"), ended(ran=0.25)], 0)
    tally.add([ended(wait=7, ran=2, queue_name="mail")], 0)
    write(worker, tally)
    assert sums() == {
        "default": (2, 0, 0, 0, 3.5, 1.25, 2.0),
        "mail": (2, 0, 0, 0, 10.0, 3.0, 7.0),
    }
    assert Rollup.objects.count() == 2, "one row for each queue and minute"


def test_rows_are_of_the_minute_in_which_attempts_ended(worker, ended):
    tally = Tally()
    tally.add([ended(wait=0, ran=0.5)], 0)
    tally.add([ended(wait=0, ran=1.0)], 0)
    write(worker, tally)
    rows = Rollup.objects.order_by("start_at").values_list("start_at", "span")
    assert [(worker.vendor.from_database(at), span) for at, span in rows] == [
        (MINUTE, 0),
        (MINUTE + timedelta(minutes=1), 0),
    ]


def test_start_before_the_job_was_ready_counts_as_no_wait(worker, ended):
    """The times of attempts are estimates of the database's clock."""
    tally = Tally()
    tally.add([ended(wait=-0.1)], 0)
    write(worker, tally)
    assert sums()["default"][4:] == (0.0, 1.0, 0.0)


def test_what_is_given_back_or_never_began_does_not_count(worker, ended):
    tally = Tally()
    never = ended()
    never.began = None
    tally.add([ended(RELEASED), never], 0)
    assert tally.insert(worker.vendor) is None


def test_figures_gather_for_some_seconds(ended):
    tally = Tally()
    assert not tally.due(1e9)
    tally.add([ended()], 100.0)
    tally.add([ended()], 100.0 + WRITE_EVERY - 0.1)
    assert not tally.due(100.0 + WRITE_EVERY - 0.1)
    assert tally.due(100.0 + WRITE_EVERY)
    tally.clear()
    assert not tally.due(1e9)


def test_figures_that_the_database_refuses_stop_no_finish(committing_worker, caplog):
    worker = committing_worker
    tally = Tally()
    tasks.echo.enqueue_many(((n,), {}) for n in range(2))
    one, two = (worker.execute(job) for job in worker.claim())
    tally.add(worker.finish(one).written, 0)
    figures = tally.insert(worker.vendor)
    refused = replace(figures, rows=[(None, *row[1:]) for row in figures.rows])
    with caplog.at_level("ERROR"):
        turn = run.turn(worker.vendor, worker.owner, [two], figures=refused)
    assert turn.written == [two]
    assert Rollup.objects.count() == 0
    assert "without its figures" in caplog.text


def test_figures_are_written_with_the_finish_or_not_at_all(
    committing_worker, monkeypatch
):
    worker = committing_worker
    tally = Tally()
    tasks.echo.enqueue_many(((n,), {}) for n in range(2))
    one, two = (worker.execute(job) for job in worker.claim())
    tally.add(worker.finish(one).written, 0)
    figures = tally.insert(worker.vendor)

    def fail(swap, take):
        raise OperationalError("the database went away")

    with monkeypatch.context() as patch:
        patch.setattr(worker.vendor, "exchange", fail)
        patch.setattr(worker.vendor, "asks_again", lambda error: False)
        with pytest.raises(OperationalError):
            run.turn(worker.vendor, worker.owner, [two], figures=figures)
    assert Rollup.objects.count() == 0
    assert RunningJob.objects.get().job_id.hex == two.job.id
    run.turn(worker.vendor, worker.owner, [two], figures=figures)
    assert sums()["default"][0] == 1
    assert FinishedJob.objects.count() == 2


def make_claims(worker):
    return Claims(WorkerConfig(), worker.vendor, worker.owner, set())


@pytest.fixture
def claims(worker):
    return make_claims(worker)


def end_some(worker, claims, count, clock):
    tasks.echo.enqueue_many(((n,), {}) for n in range(count))
    claims.stir()
    jobs = claims.turn((), 100, clock).claimed
    return [worker.execute(job) for job in jobs]


def test_worker_writes_figures_with_a_later_finish(worker, claims):
    outcomes = end_some(worker, claims, 3, 0.0)
    assert len(claims.turn(outcomes, 0, 0.0).written) == 3
    claims.tend(WRITE_EVERY - 0.1)
    assert Rollup.objects.count() == 0
    later = end_some(worker, claims, 1, 1.0)
    claims.turn(later, 0, WRITE_EVERY)
    assert sums()["default"][0] == 3
    claims.close()
    assert sums()["default"][0] == 4


def test_claim_alone_does_not_wait_for_figures(worker, claims):
    claims.turn(end_some(worker, claims, 2, 0.0), 0, 0.0)
    tasks.echo.enqueue()
    claims.stir()
    [job] = claims.turn((), 100, WRITE_EVERY).claimed
    assert Rollup.objects.count() == 0
    claims.turn([worker.execute(job)], 0, WRITE_EVERY)
    assert sums()["default"][0] == 2


def test_worker_with_nothing_to_finish_writes_them_by_and_by(worker, claims):
    claims.turn(end_some(worker, claims, 2, 0.0), 0, 0.0)
    claims.tend(WRITE_EVERY)
    assert sums()["default"][0] == 2
    claims.tend(2 * WRITE_EVERY)
    claims.close()
    assert Rollup.objects.count() == 1


def test_late_finish_does_not_count_and_an_atomic_one_does(worker, claims):
    tasks.record.enqueue("key")
    tasks.echo.enqueue()
    claims.stir()
    outcomes = [worker.execute(job) for job in claims.turn((), 100, 0.0).claimed]
    assert sorted(each.written for each in outcomes) == [False, True]
    RunningJob.objects.all().delete()
    assert len(claims.turn(outcomes, 0, 0.0).written) == 1
    claims.close()
    assert sums()["default"][0] == 1


def test_figures_that_could_not_be_written_are_kept(committing_worker, monkeypatch):
    worker, claims = committing_worker, make_claims(committing_worker)
    claims.turn(end_some(worker, claims, 1, 0.0), 0, 0.0)

    def fail(inserts):
        raise OperationalError("the database went away")

    with monkeypatch.context() as patch:
        patch.setattr(worker.vendor, "put", fail)
        patch.setattr(worker.vendor, "asks_again", lambda error: False)
        with pytest.raises(OperationalError):
            claims.tend(WRITE_EVERY)
    claims.tend(WRITE_EVERY)
    assert sums()["default"][0] == 1


def test_turn_of_figures_alone_is_one_insert(worker, ended, django_assert_num_queries):
    tally = Tally()
    tally.add([ended(), ended(queue_name="mail")], 0)
    figures = tally.insert(worker.vendor)
    with django_assert_num_queries(1 + (connection.vendor == "mysql")):
        run.turn(worker.vendor, worker.owner, figures=figures)
