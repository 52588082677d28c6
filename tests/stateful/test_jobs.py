"""Whatever is done to jobs, in whatever order, they stand where they should."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from django_bgtasks.compat import TaskError
from django_bgtasks.conf import Options, Retention
from django_bgtasks.lifecycle import dispose, operate, rearrange
from django_bgtasks.lifecycle.outcome import ClaimedJob, Outcome
from django_bgtasks.lifecycle.result import get_result
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
from tests.inline import InlineWorker
from tests.testapp.tasks import record

from .bounds import PROFILE, SECONDS
from .reference import RefJob
from .tables import empty

QUEUES = ("default", "mail")
PRIORITIES = (-5, 0, 5)
KEPT = Retention(timedelta(days=1), timedelta(days=1))
PAST = datetime(2020, 1, 1, tzinfo=UTC)
FUTURE = datetime.now(UTC) + timedelta(days=365)
TABLES = {
    "ready": ReadyJob,
    "deferred": DeferredJob,
    "running": RunningJob,
    "finished": FinishedJob,
}


class Jobs(RuleBasedStateMachine):
    """Two workers, an operator and the upkeep, one deed at a time."""

    jobs = Bundle("jobs")
    held = Bundle("held")

    @initialize()
    def begin(self) -> None:
        empty()
        self.expected: dict[UUID, RefJob] = {}
        self.paused: set[str] = set()
        self.workers = [InlineWorker("a"), InlineWorker("b")]

    # Callers.

    @rule(
        target=jobs,
        count=st.integers(1, 3),
        queue=st.sampled_from(QUEUES),
        priority=st.sampled_from(PRIORITIES),
        when=st.sampled_from([None, PAST, FUTURE]),
    )
    def enqueue(self, count: int, queue: str, priority: int, when: Any) -> Any:
        task = record.using(queue_name=queue, priority=priority, run_after=when)
        results = task.enqueue_many((("key",), {}) for _ in range(count))
        at = "ready" if when is None else "deferred"
        keys = [UUID(result.id) for result in results]
        for key in keys:
            self.expected[key] = RefJob(queue, priority, at, due=when == PAST)
        return multiple(*keys)

    # Workers.

    @rule(
        target=held,
        worker=st.integers(0, 1),
        limit=st.integers(1, 3),
        queue=st.sampled_from(QUEUES),
    )
    def claim(self, worker: int, limit: int, queue: str) -> Any:
        rows = ReadyJob.objects.filter(queue_name=queue)
        first = rows.order_by("rank", "ready_at", "pk").values_list("pk", flat=True)
        wanted = [] if queue in self.paused else list(first[:limit])
        claimed = self.workers[worker].claim(limit, [queue])
        assert [UUID(job.id) for job in claimed] == wanted
        owner = self.workers[worker].owner.id
        for job in claimed:
            known = self.expected[UUID(job.id)]
            assert (job.attempt, job.queue_name) == (known.attempt, known.queue)
            assert [each.attempt for each in job.past] == sorted(known.past)
            known.claim(owner)
        return multiple(*((job, self.workers[worker].owner) for job in claimed))

    @rule(
        which=held,
        kind=st.sampled_from(["succeeded", "failed", "retry", "released"]),
        later=st.booleans(),
    )
    def finish(self, which: Any, kind: str, later: bool) -> None:
        """Perhaps late, and perhaps for the second time."""
        job, owner = which
        outcome = _outcome(job, kind, later=later)
        worker = next((w for w in self.workers if w.owner == owner), None)
        if worker is None:
            worker = InlineWorker("gone")
            worker.owner = owner
        turn = worker.finish(outcome)
        known = self.expected.get(UUID(job.id))
        if known and known.is_held_by(owner.id, job.attempt):
            assert turn.written == [outcome]
            known.finish(kind, later=later)
        else:
            assert turn.late == [outcome]

    @rule(which=held)
    def give_back(self, which: Any) -> None:
        job, owner = which
        vendor = vendor_of(connection)
        count = operate.give_back(vendor, owner.id, {job.id: job.attempt})
        known = self.expected.get(UUID(job.id))
        holds = known is not None and known.is_held_by(owner.id, job.attempt)
        assert count == holds
        if known and holds:
            known.give_back()

    # Upkeep.

    @rule(worker=st.integers(0, 1), begun=st.booleans())
    def die(self, worker: int, begun: bool) -> None:
        """A process dies, is taken care of, and another begins."""
        owner = self.workers[worker].owner
        death = Death(owner.id, owner.name, None if begun else frozenset())
        rescued = rescue(vendor_of(connection), death, Options())
        ready, ended = set(), set()
        for key, job in self.expected.items():
            if job.at == "running" and job.owner == owner.id:
                job.lose(begun=begun)
                (ended if job.at == "finished" else ready).add(key)
        assert (set(rescued.ready), set(rescued.failed)) == (ready, ended)
        self.workers[worker] = InlineWorker(owner.name)

    @rule()
    def promote(self) -> None:
        due = [
            job for job in self.expected.values() if job.at == "deferred" and job.due
        ]
        assert promote(vendor_of(connection)) == len(due)
        for job in due:
            job.at = "ready"

    @rule()
    def prune(self) -> None:
        ended = [key for key, job in self.expected.items() if job.at == "finished"]
        assert prune(connection, until=FUTURE) == len(ended)
        for key in ended:
            del self.expected[key]

    # Operators.

    @rule(key=jobs)
    def cancel(self, key: UUID) -> None:
        cancelled = operate.cancel_many(connection, [key], KEPT)
        job = self.expected.get(key)
        where = job.cancel() if job else "missing"
        places = ("waiting", "running", "finished", "missing")
        assert [bool(each) for each in cancelled] == [
            (where or "finished") == place for place in places
        ]

    @rule(key=jobs)
    def retry(self, key: UUID) -> None:
        job = self.expected.get(key)
        revived = bool(job and job.revive())
        assert operate.retry(connection, [key]) == [key] * revived

    @rule(key=jobs)
    def run_now(self, key: UUID) -> None:
        job = self.expected.get(key)
        waits = job is not None and job.at == "deferred"
        assert rearrange.run_now(connection, [key]) == [key] * waits
        if job and waits:
            job.at = "ready"

    @rule(key=jobs, queue=st.sampled_from(QUEUES), priority=st.sampled_from(PRIORITIES))
    def move(self, key: UUID, queue: str, priority: int) -> None:
        job = self.expected.get(key)
        waits = job is not None and job.at in ("ready", "deferred")
        assert rearrange.move(connection, [key], queue, priority) == [key] * waits
        if job and waits:
            job.queue, job.priority = queue, priority

    @rule(key=consumes(jobs))
    def delete(self, key: UUID) -> None:
        job = self.expected.get(key)
        idle = job is not None and job.at != "running"
        assert dispose.delete(connection, [key]) == [key] * idle
        if idle:
            del self.expected[key]

    @rule(queue=st.sampled_from(QUEUES))
    def pause(self, queue: str) -> None:
        operate.pause(connection, queue)
        self.paused.add(queue)

    @rule(queue=st.sampled_from(QUEUES))
    def resume(self, queue: str) -> None:
        assert operate.resume(connection, queue) == (queue in self.paused)
        self.paused.discard(queue)

    # What is to be seen.

    @invariant()
    def each_stands_where_it_should(self) -> None:
        if not hasattr(self, "expected"):
            return
        for at, model in TABLES.items():
            rows = dict(model._default_manager.values_list("pk", "attempt"))
            assert rows == {
                key: job.attempt for key, job in self.expected.items() if job.at == at
            }
        assert set(Job.objects.values_list("pk", flat=True)) == set(self.expected)

    @invariant()
    def each_is_kept_as_it_was(self) -> None:
        if not hasattr(self, "expected"):
            return
        past = {
            (key, attempt): outcome
            for key, job in self.expected.items()
            for attempt, outcome in job.past.items()
        }
        rows = Attempt.objects.values_list("job_id", "attempt", "outcome")
        assert {(key, number): outcome for key, number, outcome in rows} == past
        ends = dict(FinishedJob.objects.values_list("pk", "outcome"))
        assert ends == {
            key: job.outcome
            for key, job in self.expected.items()
            if job.at == "finished"
        }
        owners = dict(RunningJob.objects.values_list("pk", "process_id"))
        assert owners == {
            key: job.owner for key, job in self.expected.items() if job.at == "running"
        }

    @rule(key=jobs)
    def read(self, key: UUID) -> None:
        job = self.expected.get(key)
        if job is None:
            return
        result = get_result("default", str(key))
        assert result.status == job.status
        assert result.outcome == job.outcome
        assert result.cancel_requested == (job.at == "running" and job.cancelled)


def _outcome(job: ClaimedJob, kind: str, *, later: bool) -> Outcome:
    moment = job.claimed_at.timestamp()
    outcome = Outcome(replace(job, past=[]), kind, began=moment, ended=moment)
    if kind in ("failed", "retry"):
        outcome.error = TaskError(
            exception_class_path="builtins.ValueError", traceback="ValueError"
        )
    if kind == "retry":
        outcome.run_after = job.claimed_at + timedelta(days=365 if later else -1)
    return outcome


@pytest.mark.timeout(SECONDS)
def test_jobs_stand_where_they_should(db: None) -> None:
    run_state_machine_as_test(Jobs, settings=PROFILE)
