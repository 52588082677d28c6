"""Run now: a job of a schedule out of turn, because somebody asks for it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from ..compat import task_enqueued
from ..lifecycle.enqueue import enqueue_orders
from ..models import Plan, Schedule, Tick
from ..results import public
from ..vendors import vendor_of
from .orders import order


def run_now(backend: Any, schedule: Schedule) -> UUID:
    """Enqueue a job of ``schedule`` at once, and return its id.

    It counts as a run and stands in the history as one by hand. The next run stays
    as planned, and a disabled schedule stays so. All in one transaction, which may
    be the caller's. Raise UnknownTask, InvalidTask, or InvalidArguments, and enqueue
    nothing, where a due moment would be refused.
    """
    vendor = vendor_of(backend.connection)
    alias = vendor.connection.alias

    now = vendor.now()
    job = order(backend, schedule, None, now)

    def work() -> Any:
        with vendor.atomic():
            plan = _locked_plan(alias, schedule)
            (result,) = enqueue_orders(vendor, [job])
            Tick.objects.using(alias).create(
                schedule_id=schedule.pk,
                due_at=public(now),
                ticked_at=public(now),
                outcome=Tick.Outcome.ENQUEUED,
                by_hand=True,
                job_id=job.id,
            )
            if plan is not None:
                plan.count_run(job.id, public(now))
                plan.save(using=alias)
            return result

    result = vendor.persist(work)
    task_enqueued.send(type(backend), task_result=result)
    return UUID(result.id)


def _locked_plan(alias: str, schedule: Schedule) -> Plan | None:
    """Wait for a beat that has the plan, so that no count is lost.

    One that no beat has worked out yet is made, and left to be; None if the schedule
    was deleted.
    """
    rows = Plan.objects.using(alias)
    locked = rows.select_for_update().filter(pk=schedule.pk)
    plan = locked.first()
    if plan is None and Schedule.objects.using(alias).filter(pk=schedule.pk).exists():
        bare = Plan(schedule_id=schedule.pk, kind="")
        rows.bulk_create([bare], ignore_conflicts=True)
        plan = locked.first()
    return plan
