"""Two at once: whatever the order of events, each job has one fate."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from threading import Event
from uuid import UUID

import pytest
from django.db import connection

from django_bgtasks.compat import TaskResultDoesNotExist
from django_bgtasks.conf import Options
from django_bgtasks.lifecycle import operate
from django_bgtasks.models import (
    Attempt,
    DeferredJob,
    FinishedJob,
    Job,
    ReadyJob,
    RunningJob,
)
from django_bgtasks.upkeep.promote import promote
from django_bgtasks.upkeep.prune import prune
from django_bgtasks.upkeep.rescue import Death, rescue
from django_bgtasks.vendors import vendor_of
from tests.elsewhere import at_once
from tests.inline import InlineWorker
from tests.testapp.models import Effect

from . import tasks

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def enqueue(count, task=tasks.note):
    return task.enqueue_many(((number,), {}) for number in range(count))


def drain(worker, limit=7):
    """Claim and run until nothing is ready."""
    worker.vendor.prepare_worker()
    while jobs := worker.claim(limit):
        for job in jobs:
            worker.run(job)


def keys_of(results):
    return [UUID(result.id) for result in results]


def test_each_job_runs_once_among_many_workers():
    enqueue(300)
    workers = [InlineWorker(f"worker-{number}") for number in range(4)]
    at_once([lambda worker=worker: drain(worker) for worker in workers])
    assert sorted(tasks.ran) == list(range(300))
    assert FinishedJob.objects.filter(outcome="succeeded").count() == 300


def test_jobs_enqueued_meanwhile_by_many_run_once_each():
    done = Event()

    def site(first):
        def work():
            for number in range(first, first + 40):
                tasks.note.enqueue(number)

        return work

    def work(worker):
        def serve():
            worker.vendor.prepare_worker()
            while not done.is_set() or ReadyJob.objects.exists():
                for job in worker.claim(10):
                    worker.run(job)
                if len(tasks.ran) >= 120:
                    done.set()

        return serve

    workers = [InlineWorker("one"), InlineWorker("two")]
    at_once([site(0), site(40), site(80), *map(work, workers)])
    assert sorted(tasks.ran) == list(range(120))


def test_result_is_never_missing_while_its_job_moves():
    results = [
        *enqueue(60),
        *tasks.fail_once.enqueue_many(((number,), {}) for number in range(60)),
    ]
    finished = Event()
    order = {"READY": 0, "RUNNING": 1, "FAILED": 2, "SUCCESSFUL": 2}

    def read():
        reads = 0
        while not finished.is_set() or not reads:
            for result in results:
                # Not even a moment between two tables, nor an attempt uncounted.
                now = result.task.get_result(result.id)
                assert len(now.worker_ids) >= len(now.errors)
                if now.task.name == "note":
                    assert order[now.status] >= order[result.status]
                result._copy(now)
                reads += 1
        return reads

    def move():
        try:
            drain(InlineWorker())
        finally:
            finished.set()

    at_once([move, read])
    for result in results:
        result.refresh()
    assert Counter(str(result.status) for result in results) == {
        "SUCCESSFUL": 60,
        "FAILED": 60,
    }


def test_cancelled_job_does_not_run_and_one_that_runs_is_told():
    results = enqueue(150)
    cancelled = {}

    def cancel():
        # From the other end, so that both meet in the middle.
        for result in reversed(results):
            cancelled[result.args[0]] = result.cancel()

    at_once([lambda: drain(InlineWorker(), limit=3), cancel])
    outcomes = {}
    for result in results:
        result.refresh()
        outcomes[result.args[0]] = result.outcome
    assert sorted(tasks.ran) == [
        number for number in range(150) if outcomes[number] == "succeeded"
    ]
    for number, outcome in outcomes.items():
        # A job that had finished before cannot have been cancelled.
        assert cancelled[number] or outcome == "succeeded"
    assert set(outcomes.values()) <= {"succeeded", "cancelled"}


def test_retried_job_that_is_cancelled_meanwhile_does_not_run_again():
    results = enqueue(80, tasks.fail_once)
    worker = InlineWorker()
    outcomes = [worker.execute(job) for job in worker.claim(100)]

    def finish():
        for start in range(0, 80, 5):
            worker.finish(*outcomes[start : start + 5])

    def cancel():
        return [result.cancel() for result in reversed(results)]

    _, in_time = at_once([finish, cancel])
    assert all(in_time)
    for result in results:
        result.refresh()
        assert result.outcome == "cancelled"
        assert result.attempts == 1


def test_attempt_is_finished_or_rescued_but_never_both():
    results = enqueue(150)
    worker = InlineWorker()
    outcomes = [worker.execute(job) for job in worker.claim(200)]
    written = []

    def finish():
        for start in range(0, 150, 5):
            written.extend(worker.finish(*outcomes[start : start + 5]).written)

    def take_away():
        death = Death(worker.owner.id, worker.owner.name)
        return rescue(vendor_of(connection), death, Options()).ready

    _, rescued = at_once([finish, take_away])
    assert len(written) + len(rescued) == 150
    assert not {UUID(outcome.job.id) for outcome in written} & set(rescued)
    assert FinishedJob.objects.count() == len(written)
    assert ReadyJob.objects.count() == Attempt.objects.count() == len(rescued)
    assert RunningJob.objects.count() == 0
    assert len(results) == 150


def test_effect_of_an_atomic_task_is_had_once_however_often_it_is_rescued():
    tasks.effect_once.enqueue_many(((str(number),), {}) for number in range(60))
    done = Event()

    def work():
        try:
            while ReadyJob.objects.exists() or RunningJob.objects.exists():
                worker = InlineWorker("hasty")
                worker.vendor.prepare_worker()
                for job in worker.claim(6):
                    worker.run(job)
        finally:
            done.set()

    def take_away():
        vendor = vendor_of(connection)
        # No more often than there are jobs, or none would ever come to its end.
        for _ in range(60):
            owners = set(RunningJob.objects.values_list("process_id", flat=True))
            for owner in owners:
                rescue(vendor, Death(owner, "hasty"), Options(max_lost=1_000))
            if done.is_set():
                break

    at_once([work, take_away])
    effects = Counter(Effect.objects.values_list("key", flat=True))
    assert effects == {str(number): 1 for number in range(60)}
    assert FinishedJob.objects.filter(outcome="succeeded").count() == 60


def test_job_is_made_ready_again_by_one_of_many_operators():
    keys = keys_of(enqueue(60))
    drain(InlineWorker())

    def retry():
        return operate.retry(connection, keys)

    retried = at_once([retry] * 3)
    assert sorted(key for some in retried for key in some) == sorted(keys)
    assert ReadyJob.objects.count() == 60


def test_finished_job_is_retried_or_pruned_but_never_half():
    results = enqueue(100)
    drain(InlineWorker())
    FinishedJob.objects.update(keep_until=LONG_AGO)

    def retry():
        done = []
        for result in reversed(results):
            try:
                result.retry()
            except TaskResultDoesNotExist:
                continue
            done.append(UUID(result.id))
        return done

    def clean():
        while prune(connection, limit=5):
            pass

    retried, _ = at_once([retry, clean])
    assert sorted(Job.objects.values_list("pk", flat=True)) == sorted(retried)
    assert sorted(ReadyJob.objects.values_list("pk", flat=True)) == sorted(retried)


def test_due_job_is_promoted_or_cancelled_but_never_both():
    results = tasks.note.using(run_after=-60).enqueue_many(
        ((number,), {}) for number in range(100)
    )

    def move():
        vendor = vendor_of(connection)
        while DeferredJob.objects.exists():
            promote(vendor, limit=3)

    def cancel():
        return [result.cancel() for result in reversed(results)]

    _, in_time = at_once([move, cancel])
    assert all(in_time)
    assert FinishedJob.objects.filter(outcome="cancelled").count() == 100
    assert ReadyJob.objects.count() == 0


def test_jobs_given_back_run_elsewhere_once():
    enqueue(120)
    first, second = InlineWorker("first"), InlineWorker("second")

    def hesitate():
        vendor = vendor_of(connection)
        for _ in range(30):
            first.claim(5)
            claimed = operate.claimed_by("default", first.owner.id)
            operate.give_back(vendor, first.owner.id, claimed)

    def serve():
        while len(tasks.ran) < 120:
            for job in second.claim(5):
                second.run(job)

    at_once([hesitate, serve])
    assert sorted(tasks.ran) == list(range(120))
    assert Attempt.objects.count() == 0


@pytest.mark.parametrize("at", ["start", "end"])
def test_enqueue_goes_on_while_workers_claim_and_finish(at):
    enqueue(50)
    worker = InlineWorker()

    def site():
        for number in range(100):
            task = tasks.note.using(priority=100 if at == "start" else -100)
            task.enqueue(1_000 + number)

    def serve():
        worker.vendor.prepare_worker()
        outcomes = []
        while len(tasks.ran) < 150 or outcomes:
            turn = worker.turn(outcomes, limit=20)
            outcomes = [worker.execute(job) for job in turn.claimed]

    at_once([site, serve])
    assert FinishedJob.objects.filter(outcome="succeeded").count() == 150
