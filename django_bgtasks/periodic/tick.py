"""Tick: enqueue what is due, once for each due moment.

The plans of due schedules are locked, without those that another beat holds. Their
ticks, their jobs and their next runs are then one transaction, so any number of
beats may do so, and be killed at any point.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from ..compat import task_enqueued
from ..lifecycle.enqueue import Order, enqueue_orders
from ..models import Plan, Schedule, Tick
from ..results import public
from ..vendors import Vendor
from . import plans
from .decide import Decision, decide
from .orders import order
from .overlap import share, unfinished
from .timings import timing_of

logger = logging.getLogger("django_bgtasks.beat")

# Schedules that are ticked in one transaction.
BATCH = 500
# How soon to look again whether the job that a due moment waits for has ended.
_HOLD = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Look:
    """What a beat found: the database's time, how many jobs it enqueued, whether
    there may be more that is due, and when to look next at the latest."""

    now: datetime
    enqueued: int
    is_full: bool
    wake_at: datetime | None


@dataclass(slots=True)
class _Turn:
    """One transaction: what is to be written of all schedules in it."""

    vendor: Vendor
    backend: Any
    now: datetime
    busy: set[UUID]
    seen: set[tuple[int, datetime]]
    orders: list[Order] = field(default_factory=list)
    ticks: list[Tick] = field(default_factory=list)


def look(vendor: Vendor, backend: Any, since: datetime | None = None) -> Look:
    """Plan what was edited, and enqueue what is due, up to a batch of each.

    ``since`` is the time of this beat's last look. By the database's clock.
    """
    now = vendor.now()
    if edited := plans.changed(vendor, backend.alias, now):
        plans.replan(vendor, edited, since)
    looked, enqueued = 0, 0
    wake_at = plans.next_wake(vendor, backend.alias)
    if wake_at is not None and wake_at <= now:
        looked, results = vendor.persist(lambda: _tick(vendor, backend))
        enqueued = len(results)
        for result in results:
            task_enqueued.send_robust(type(backend), task_result=result)
        wake_at = plans.next_wake(vendor, backend.alias)
    is_full = looked == BATCH or len(edited) == plans.BATCH
    return Look(now, enqueued, is_full, wake_at)


def _tick(vendor: Vendor, backend: Any) -> tuple[int, list[Any]]:
    alias = vendor.connection.alias
    with vendor.atomic():
        now = vendor.now()
        found = plans.due(vendor, backend.alias, now, BATCH)
        if not found:
            return 0, []
        schedules = Schedule.objects.using(alias).in_bulk(list(found))
        decisions = {
            each.pk: _decide(vendor, each, schedules.get(each.pk), now)
            for each in found.values()
        }
        turn = _Turn(
            vendor=vendor,
            backend=backend,
            now=now,
            busy=_busy(alias, found.values(), schedules),
            seen=_seen(vendor, found.values(), decisions),
        )
        for key, plan in found.items():
            if key in schedules:
                _settle(turn, plan, schedules[key], decisions[key])
        results = enqueue_orders(vendor, turn.orders)
        Tick.objects.using(alias).bulk_create(turn.ticks)
        plans.save(vendor, [each for key, each in found.items() if key in schedules])
        # A schedule that was deleted by hand leaves its plan.
        gone = found.keys() - schedules.keys()
        if gone:
            Plan.objects.using(alias).filter(pk__in=gone).delete()
        return len(found), results


def _decide(
    vendor: Vendor, plan: Plan, schedule: Schedule | None, now: datetime
) -> Decision:
    nothing = Decision([], 0, vendor.from_database(plan.next_run_at))
    due = vendor.from_database(plan.next_run_at)
    if schedule is None or due is None or due > now:
        return nothing
    if not plans.same_timing(plan, schedule):
        # Edited in this very moment. It is worked out anew at the next look, which
        # is at once; what was due by the old timing is not any more.
        return nothing
    try:
        return decide(
            timing_of(schedule),
            due=due,
            now=now,
            missed=schedule.missed,  # type: ignore[arg-type]
            grace=schedule.grace,
            start_at=vendor.from_database(schedule.start_at),
            end_at=vendor.from_database(schedule.end_at),
        )
    except Exception as error:
        plan.error = str(error)
        logger.error("Schedule %s cannot be due: %s", schedule.name, error)
        return Decision([], 0, None)


def _busy(
    alias: str, found: Iterable[Plan], schedules: dict[int, Schedule]
) -> set[UUID]:
    asked = [
        plan.last_job_id
        for plan in found
        if plan.last_job_id is not None
        and plan.pk in schedules
        and schedules[plan.pk].overlap != Schedule.Overlap.ALLOW
    ]
    return unfinished(alias, asked)


def _seen(
    vendor: Vendor, found: Iterable[Plan], decisions: dict[int, Decision]
) -> set[tuple[int, datetime]]:
    """Return which due moments have a tick already, since a clock went back."""
    moments = {public(moment) for each in decisions.values() for moment in each.run}
    moments |= {plan.next_run_at for plan in found if plan.next_run_at}
    rows = Tick.objects.using(vendor.connection.alias).filter(
        schedule_id__in=list(decisions), due_at__in=moments
    )
    read = vendor.from_database
    seen = rows.values_list("schedule_id", "due_at")
    return {(key, at) for key, moment in seen if (at := read(moment)) is not None}


def _settle(turn: _Turn, plan: Plan, schedule: Schedule, decision: Decision) -> None:
    """Note the orders and ticks of one schedule, and its plan's next state."""
    busy = plan.last_job_id in turn.busy
    if plan.held_for is not None and not busy:
        busy = _release(turn, plan, schedule)
    moments = [each for each in decision.run if (plan.pk, each) not in turn.seen]
    held = plan.held_for is not None
    shares = share(schedule.overlap, moments, busy=busy, held=held)
    for moment in shares.enqueue:
        _enqueue(turn, plan, schedule, moment)
    for moment in shares.leave_out:
        _note(turn, plan, moment, Tick.Outcome.OVERLAPPED)
    if shares.hold is not None:
        plan.held_for = public(shares.hold)
        _note(turn, plan, shares.hold, Tick.Outcome.WAITING)
    _note_missed(turn, plan, decision)
    if decision.run:
        plan.last_due_at = public(decision.run[-1])
    plan.planned_at = public(turn.now)
    plan.next_run_at = public(decision.next)
    soon = public(turn.now + _HOLD) if plan.held_for is not None else None
    plan.wake_at = min((at for at in (plan.next_run_at, soon) if at), default=None)


def _enqueue(turn: _Turn, plan: Plan, schedule: Schedule, moment: datetime) -> None:
    job = _order(turn, schedule, moment)
    if isinstance(job, str):
        _note(turn, plan, moment, Tick.Outcome.REFUSED, detail=job)
    else:
        _note(turn, plan, moment, Tick.Outcome.ENQUEUED, job_id=job.id)
        _count(turn, plan, job)


def _release(turn: _Turn, plan: Plan, schedule: Schedule) -> bool:
    """Enqueue the moment that waited for the job before it; tell whether it could."""
    moment = turn.vendor.from_database(plan.held_for)
    job = _order(turn, schedule, moment)
    tick = plans.held_tick(turn.vendor, plan)
    plan.held_for = None
    if isinstance(job, str):
        tick.update(outcome=Tick.Outcome.REFUSED, detail=job)
        return False
    tick.update(outcome=Tick.Outcome.ENQUEUED, job_id=job.id)
    _count(turn, plan, job)
    return True


def _order(turn: _Turn, schedule: Schedule, moment: datetime | None) -> Order | str:
    """Order a job, or say why it cannot be: one bad schedule stops no other."""
    try:
        job = order(turn.backend, schedule, moment, turn.now)
    except Exception as error:
        logger.error("Schedule %s enqueues nothing: %s", schedule.name, error)
        return f"{type(error).__name__}: {error}"
    turn.orders.append(job)
    return job


def _count(turn: _Turn, plan: Plan, job: Order) -> None:
    plan.last_job_id = job.id
    plan.last_run_at = public(turn.now)
    plan.run_count += 1


def _note(
    turn: _Turn, plan: Plan, moment: datetime, outcome: Tick.Outcome, **more: Any
) -> None:
    turn.ticks.append(
        Tick(
            schedule_id=plan.pk,
            due_at=public(moment),
            ticked_at=public(turn.now),
            outcome=outcome,
            **more,
        )
    )


def _note_missed(turn: _Turn, plan: Plan, decision: Decision) -> None:
    """Note the first moment that was missed, for all of them."""
    due = turn.vendor.from_database(plan.next_run_at)
    if decision.missed == 0 or due is None or due in decision.run:
        return
    number = "Many" if decision.missed is None else str(decision.missed)
    logger.warning("Schedule %s missed due moments: %s.", plan.pk, number)
    if (plan.pk, due) not in turn.seen:
        detail = f"Due moments missed from this one on: {number}."
        _note(turn, plan, due, Tick.Outcome.MISSED, detail=detail)
