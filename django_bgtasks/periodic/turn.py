"""One transaction of a beat: what it writes of each schedule that is due."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from ..lifecycle.enqueue import Order
from ..log import one_line
from ..models import Plan, Schedule, Tick
from ..results import public
from ..vendors import Vendor
from . import plans
from .decide import Decision
from .orders import order
from .overlap import share

logger = logging.getLogger("django_bgtasks.beat")

# How soon to look again whether the job that a due moment waits for has ended.
_HOLD = timedelta(seconds=1)


@dataclass(slots=True)
class Turn:
    """What is to be written of all schedules in one transaction.

    ``busy``: the jobs that are unfinished; ``seen``: the due moments, of which
    schedule, that have a tick already.
    """

    vendor: Vendor
    backend: Any
    now: datetime
    busy: set[UUID]
    seen: set[tuple[int, datetime]]
    orders: list[Order] = field(default_factory=list)
    ticks: list[Tick] = field(default_factory=list)


def settle(turn: Turn, plan: Plan, schedule: Schedule, decision: Decision) -> None:
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
    due = plan.next_run_at
    if due is not None and plan.error:
        due = max(due, public(turn.now + plans.AGAIN))
    plan.wake_at = min((at for at in (due, soon) if at), default=None)


def _enqueue(turn: Turn, plan: Plan, schedule: Schedule, moment: datetime) -> None:
    job = _order(turn, schedule, moment)
    if isinstance(job, str):
        _note(turn, plan, moment, Tick.Outcome.REFUSED, detail=job)
    else:
        _note(turn, plan, moment, Tick.Outcome.ENQUEUED, job_id=job.id)
        plan.count_run(job.id, public(turn.now))


def _release(turn: Turn, plan: Plan, schedule: Schedule) -> bool:
    """Enqueue the moment that waited for the job before it; tell whether it could."""
    moment = turn.vendor.from_database(plan.held_for)
    job = _order(turn, schedule, moment)
    tick = plans.held_tick(turn.vendor, plan)
    plan.held_for = None
    if isinstance(job, str):
        tick.update(outcome=Tick.Outcome.REFUSED, detail=job)
        return False
    tick.update(outcome=Tick.Outcome.ENQUEUED, job_id=job.id)
    plan.count_run(job.id, public(turn.now))
    return True


def _order(turn: Turn, schedule: Schedule, moment: datetime | None) -> Order | str:
    """Order a job, or say why it cannot be: one bad schedule stops no other."""
    try:
        job = order(turn.backend, schedule, moment, turn.now)
    except Exception as error:
        logger.error("Schedule %s enqueues nothing: %s", one_line(schedule.name), error)
        return plans.reason(error)
    turn.orders.append(job)
    return job


def _note(
    turn: Turn, plan: Plan, moment: datetime, outcome: Tick.Outcome, **more: Any
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


def _note_missed(turn: Turn, plan: Plan, decision: Decision) -> None:
    """Note the first moment that was missed, for all of them."""
    due = turn.vendor.from_database(plan.next_run_at)
    if decision.missed == 0 or due is None or due in decision.run:
        return
    number = "Many" if decision.missed is None else str(decision.missed)
    logger.warning("Schedule %s missed due moments: %s.", plan.pk, number)
    if (plan.pk, due) not in turn.seen:
        detail = f"Due moments missed from this one on: {number}."
        _note(turn, plan, due, Tick.Outcome.MISSED, detail=detail)
