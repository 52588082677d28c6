"""Scenes of a job: it stands somewhere, and several act upon it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection

from django_bgtasks.lifecycle import operate, run
from django_bgtasks.lifecycle.outcome import FAILED, SUCCEEDED
from django_bgtasks.models import FinishedJob, Job, Process, RunningJob
from django_bgtasks.upkeep.promote import promote_next
from tests.inline import InlineWorker

from . import tasks
from .job_roles import Deeds, Facts, ending, take_away
from .laws import LAWS, each_job_stands_in_one_place
from .scene import Scene
from .world import look

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


# How the scene begins. Each leaves a job in its state, and says what A holds of it.


def ready(task: Any = tasks.echo) -> Facts:
    a, b = InlineWorker("a"), InlineWorker("b")
    result = task.enqueue("x")
    return Facts(UUID(result.id), a.owner, b.owner)


def deferred() -> Facts:
    return ready(tasks.echo.using(run_after=LONG_AGO))


def running(task: Any = tasks.echo) -> Facts:
    facts = ready(task)
    worker = InlineWorker("other")
    worker.owner = facts.a
    facts.held = worker.claim_one()
    return facts


def running_atomic() -> Facts:
    return running(tasks.effect_once)


def lost_twice() -> Facts:
    """Running, for the last time that it may be lost."""
    facts = running()
    row = Process.objects.get(pk=facts.a.id)
    for _ in range(2):
        take_away(facts)
        row.save(force_insert=True)
        worker = InlineWorker("other")
        worker.owner = facts.a
        facts.held = worker.claim_one()
    return facts


def finished(kind: str = SUCCEEDED) -> Facts:
    facts = running()
    assert facts.held is not None
    worker = InlineWorker("other")
    run.turn(worker.vendor, facts.a, [ending(facts.held, kind)])
    FinishedJob.objects.update(keep_until=LONG_AGO)
    return facts


def failed() -> Facts:
    return finished(FAILED)


class JobScene(Scene):
    """Holds each end against the laws and against what the actors say they did."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._was_finished = FinishedJob.objects.count()

    def see(self) -> None:
        each_job_stands_in_one_place()

    def look(self) -> object:
        return look()

    def judge(self, deeds: list[Deeds], *, sure: bool) -> None:
        for law in LAWS:
            law()
        if sure:
            self._hold_to_their_words(deeds)
        if Job.objects.exists():
            self._go_on(deeds)

    def _hold_to_their_words(self, deeds: list[Deeds]) -> None:
        """What they say that they did is what there is."""
        removed = sum(each.removed for each in deeds)
        assert Job.objects.count() == 1 - removed
        assert removed or not any(each.missed for each in deeds)
        ended = self._was_finished + sum(each.ended - each.revived for each in deeds)
        if removed:
            assert ended in (0, 1)
        elif not any(each.vague for each in deeds):
            assert FinishedJob.objects.count() == ended

    def _go_on(self, deeds: list[Deeds]) -> None:
        """Whatever was broken off, those who come after bring the job to its end."""
        operate.resume(connection, "default")
        for owner, name in Process.objects.values_list("pk", "name"):
            facts = Facts(self.facts.job, run.Owner(owner, name), self.facts.b)
            take_away(facts)
        for owner in set(RunningJob.objects.values_list("process_id", flat=True)):
            take_away(Facts(self.facts.job, run.Owner(owner, "gone"), self.facts.b))
        last = InlineWorker("last")
        promote_next(last.vendor, datetime.now(UTC) + timedelta(days=1))
        ran = last.claim()
        last.finish(*(ending(job, SUCCEEDED) for job in ran))
        assert FinishedJob.objects.filter(pk=self.facts.job).exists()
        for law in LAWS:
            law()
        if any(each.cancelled for each in deeds) and not any(
            each.revived for each in deeds
        ):
            assert not ran, "It was cancelled, and ran all the same"
