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
            # Waits for a beat that has the plan, so that no count is lost.
            rows = Plan.objects.using(alias).select_for_update()
            plan = rows.filter(pk=schedule.pk).first()
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
