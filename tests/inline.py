"""A worker's work done in the test's own thread, without a worker process."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connections

from django_bgtasks.lifecycle import run
from django_bgtasks.lifecycle.execute import Execution, plan_for, prepare
from django_bgtasks.lifecycle.outcome import ClaimedJob, Outcome
from django_bgtasks.models import (
    DeferredJob,
    FinishedJob,
    ReadyJob,
    RunningJob,
    table_of,
)
from django_bgtasks.results import Control
from django_bgtasks.upkeep import presence
from django_bgtasks.upkeep.promote import promote
from django_bgtasks.vendors import Lane, Vendor, vendor_of


class InlineWorker:
    """A process that claims, runs and finishes when it is told to.

    It has a row like any worker, and does what a worker does, by the same steps.
    """

    def __init__(self, name: str = "worker-1", alias: str = "default") -> None:
        self.alias = alias
        arrival = presence.Arrival(kind="worker", name=name, pid=1)
        self.owner = run.Owner(presence.arrive(self.vendor, arrival), name)

    @property
    def vendor(self) -> Vendor:
        # Of this thread's connection: a worker may be used from several.
        return vendor_of(connections[self.alias])

    def turn(
        self,
        outcomes: Sequence[Outcome] = (),
        queues: Iterable[str] | None = None,
        limit: int = 100,
    ) -> run.Turn:
        """Write outcomes and claim what is ready, of all queues by default."""
        if queues is None:
            queues = self.vendor.queues(table_of(ReadyJob, self.vendor))
        lanes = [Lane(queue) for queue in queues]
        return run.turn(self.vendor, self.owner, outcomes, lanes, limit)

    def claim(
        self, limit: int = 100, queues: Iterable[str] | None = None
    ) -> list[ClaimedJob]:
        return self.turn(queues=queues, limit=limit).claimed

    def claim_one(self) -> ClaimedJob:
        (job,) = self.claim()
        return job

    def finish(self, *outcomes: Outcome) -> run.Turn:
        return run.turn(self.vendor, self.owner, outcomes)

    def start(self, job: ClaimedJob) -> Execution:
        """Make a claimed job ready to run."""
        plan = plan_for(job.task_path, job.backend)
        execution = prepare(job, plan, self.owner.name, Control(), time.monotonic())
        assert isinstance(execution, Execution)
        return execution

    def execute(self, job: ClaimedJob) -> Outcome:
        """Run a claimed job, and write nothing."""
        return run.run_sync(self.start(job), self.vendor, self.owner)

    def run(self, job: ClaimedJob) -> Outcome:
        """Run a claimed job, finish it and announce how it ended."""
        return run.run_inline(self.vendor, self.owner, job)

    def run_ready(self, queues: Iterable[str] | None = None) -> list[Outcome]:
        """Claim once, and run what was claimed in its order."""
        return [self.run(job) for job in self.claim(queues=queues)]

    def run_result(self, result: Any) -> Any:
        """Run what is ready, and return this result, refreshed."""
        self.run_ready()
        result.refresh()
        return result

    def run_all(self, rounds: int = 20) -> list[Outcome]:
        """Run until nothing is ready or due any more."""
        outcomes: list[Outcome] = []
        for _ in range(rounds):
            promote(self.vendor)
            done = self.run_ready()
            if not done:
                return outcomes
            outcomes += done
        raise AssertionError(f"There is still work after {rounds} rounds.")


def whereabouts(result: Any) -> list[str]:
    """Return the tables of states that hold a job; there must never be two."""
    states = (ReadyJob, DeferredJob, RunningJob, FinishedJob)
    return [
        model.__name__
        for model in states
        if model.objects.filter(pk=result.id).exists()
    ]
