"""Scenes of a schedule: moments of it are due, and beats and people come to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection

from django_bgtasks.compat import task_backends
from django_bgtasks.lifecycle import dispose
from django_bgtasks.models import (
    DeferredJob,
    FinishedJob,
    Job,
    Plan,
    ReadyJob,
    RunningJob,
    Schedule,
    Tick,
)
from django_bgtasks.periodic import plans, run_now, tick
from django_bgtasks.upkeep.ticks import prune_ticks
from django_bgtasks.vendors import vendor_of
from tests.inline import InlineWorker

from .laws import each_job_stands_in_one_place
from .scene import Role, Scene

DAY = timedelta(days=1)
TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


@dataclass
class Facts:
    """The schedule, which moments of it are due, and what else is to be known."""

    key: int
    due: list[datetime] = field(default_factory=list)
    job: UUID | None = None


class Deeds(NamedTuple):
    edited: bool = False
    deleted: bool = False
    pruned: bool = False


# How a scene begins.


def unplanned(**values: Any) -> Facts:
    """A schedule that no beat has seen yet."""
    values = {
        "kind": "interval",
        "every": DAY,
        "anchor_at": TODAY - 10 * DAY,
        "missed": "run_all",
        "task_path": "tests.testapp.tasks.record",
        "args": ["tick"],
        **values,
    }
    return Facts(Schedule.objects.create(name="daily", **values).pk)


def planned(**values: Any) -> Facts:
    facts = unplanned(**values)
    plans.replan(vendor_of(connection), [facts.key], None)
    return facts


def due(count: int = 2, **values: Any) -> Facts:
    """So many moments have passed without a beat."""
    facts = planned(**values)
    facts.due = [TODAY - DAY * back for back in reversed(range(count))]
    _put_back(facts.due[0])
    return facts


def _put_back(moment: datetime) -> None:
    Plan.objects.update(
        next_run_at=moment, wake_at=moment, planned_at=moment - timedelta(seconds=1)
    )


def busy(overlap: str) -> Facts:
    """A moment is due while a job of the schedule is unfinished."""
    facts = due(1, overlap=overlap)
    by_hand(facts)
    facts.job = Job.objects.get().pk
    return facts


def busy_skip() -> Facts:
    return busy("skip")


def busy_queue() -> Facts:
    return busy("queue_one")


def held() -> Facts:
    """The moment after is held back already, until the job is finished."""
    facts = busy("queue_one")
    _look()
    assert Plan.objects.get().held_for is not None
    # It looks again in a second.
    Plan.objects.update(wake_at=TODAY)
    return facts


# Who comes.


def _look() -> None:
    vendor, backend = vendor_of(connection), task_backends["default"]
    since = None
    for _ in range(3):
        look = tick.look(vendor, backend, since)
        since = look.now
        if not look.is_full and (look.wake_at is None or look.wake_at > look.now):
            return


def beat(facts: Facts) -> Deeds:
    tick.look(vendor_of(connection), task_backends["default"])
    return Deeds()


def edit(facts: Facts) -> Deeds:
    """Somebody saves another timing, by SQL."""
    Schedule.objects.filter(pk=facts.key).update(every=2 * DAY)
    return Deeds(edited=True)


def disable(facts: Facts) -> Deeds:
    Schedule.objects.filter(pk=facts.key).update(enabled=False)
    return Deeds(edited=True)


def delete(facts: Facts) -> Deeds:
    Schedule.objects.get(pk=facts.key).delete()
    return Deeds(deleted=True)


def by_hand(facts: Facts) -> Deeds:
    schedule = Schedule.objects.filter(pk=facts.key).first()
    if schedule is not None:
        run_now.run_now(task_backends["default"], schedule)
    return Deeds()


def prune(facts: Facts) -> Deeds:
    prune_ticks(vendor_of(connection), timedelta(0))
    return Deeds(pruned=True)


def remove_job(facts: Facts) -> Deeds:
    """The unfinished job is deleted: what waits for it may go on."""
    assert facts.job is not None
    dispose.delete(connection, [facts.job])
    return Deeds()


def work(facts: Facts) -> Deeds:
    """A worker runs what there is, to its end."""
    worker = InlineWorker("worker")
    worker.run_ready(["default"])
    return Deeds()


BEAT = Role("beat", beat)
EDIT = Role("edit", edit)
DISABLE = Role("disable", disable)
DELETE = Role("delete", delete)
BY_HAND = Role("run now", by_hand)
PRUNE = Role("prune", prune)
REMOVE_JOB = Role("delete the job", remove_job)
WORK = Role("work", work)


class TickScene(Scene):
    """Each due moment has one tick, and each tick that says so has one job."""

    def see(self) -> None:
        each_job_stands_in_one_place()
        each_moment_is_enqueued_once()

    def look(self) -> object:
        return tuple(
            map(
                repr,
                (
                    sorted(Tick.objects.values_list("due_at", "outcome", "by_hand")),
                    sorted(Plan.objects.values_list("next_run_at", "run_count")),
                    sorted(Schedule.objects.values_list("every", "enabled")),
                    [model.objects.count() for model in _STATES],
                ),
            )
        )

    def judge(self, deeds: list[Deeds], *, sure: bool) -> None:
        self.see()
        _look()
        self.see()
        pruned = any(each.pruned for each in deeds) or not sure
        plan = Plan.objects.filter(schedule=self.facts.key).first()
        if not Schedule.objects.exists():
            assert plan is None or plan.wake_at is not None
            return
        assert plan is not None
        schedule = Schedule.objects.get()
        assert plans.same_timing(plan, schedule), "An edit was not heeded"
        if plan.next_run_at is not None:
            assert plan.next_run_at > datetime.now(UTC)
        ticks = Tick.objects.filter(by_hand=False)
        if not pruned:
            enqueued = Tick.objects.filter(outcome="enqueued").count()
            assert plan.run_count == enqueued, "A run is not counted"
        if not any(each.edited for each in deeds) and not pruned:
            seen = set(ticks.values_list("due_at", flat=True))
            assert set(self.facts.due) <= seen, "A due moment was lost"


_STATES: tuple[Any, ...] = (ReadyJob, DeferredJob, RunningJob, FinishedJob)


def each_moment_is_enqueued_once() -> None:
    """No moment has two ticks or two jobs, and every tick's job is there."""
    moments = list(Tick.objects.values_list("schedule_id", "due_at"))
    assert len(moments) == len(set(moments)), "A moment has two ticks"
    jobs = dict(
        Job.objects.filter(scheduled_for__isnull=False).values_list(
            "pk", "scheduled_for"
        )
    )
    assert len(jobs) == len(set(jobs.values())), "A moment has two jobs"
    told = Tick.objects.filter(outcome="enqueued", by_hand=False)
    for job, moment in told.values_list("job_id", "due_at"):
        assert jobs.get(job, moment) == moment
    if Schedule.objects.filter(overlap__in=("skip", "queue_one")).exists():
        unfinished = sum(
            model.objects.filter(pk__in=jobs).count() for model in _STATES[:3]
        )
        assert unfinished <= 1, "Two jobs of a schedule overlap"


Begin = Callable[[], Facts]
