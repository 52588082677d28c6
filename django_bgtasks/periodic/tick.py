"""Tick: enqueue what is due, once for each due moment.

The plans of due schedules are locked, without those that another beat holds. Their
ticks, their jobs and their next runs are then one transaction, so any number of
beats may do so, and be killed at any point.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from ..compat import task_enqueued
from ..lifecycle.enqueue import enqueue_orders
from ..log import one_line
from ..models import Plan, Schedule, Tick
from ..results import public
from ..vendors import OUTAGES, Vendor, without_row
from . import plans
from .decide import Decision, decide
from .overlap import unfinished
from .turn import Turn, settle

logger = logging.getLogger("django_bgtasks.beat")

# Schedules that are ticked in one transaction.
BATCH = 500
# No more are taken into a transaction that has so many due moments, or takes so many
# seconds to decide on: after a long outage each may have many to make up for.
MOST_MOMENTS = 2_000
_MOST_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Look:
    """What a beat found: the database's time, how many jobs it enqueued, whether
    there may be more that is due, and when to look next at the latest."""

    now: datetime
    enqueued: int
    is_full: bool
    wake_at: datetime | None


def look(vendor: Vendor, backend: Any, since: datetime | None = None) -> Look:
    """Plan what was edited, and enqueue what is due, up to a batch of each.

    ``since`` is the time of this beat's last look. By the database's clock.
    """
    now = vendor.now()
    edited = plans.changed(vendor, backend.alias, now)
    # Not those that were found: what another beat holds would be found again at once.
    is_full = bool(edited) and plans.replan(vendor, edited, since) == plans.BATCH
    enqueued = 0
    wake_at = plans.next_wake(vendor, backend.alias)
    if wake_at is not None and wake_at <= now:
        more, enqueued = _tick_all(vendor, backend)
        is_full = is_full or more
        wake_at = plans.next_wake(vendor, backend.alias)
    return Look(now, enqueued, is_full, wake_at)


def _tick_all(vendor: Vendor, backend: Any) -> tuple[bool, int]:
    """Tick a batch; tell whether there may be more, and how many jobs there are."""
    try:
        return _tick(vendor, backend)
    except OUTAGES:
        raise
    except Exception as error:
        logger.error(
            "Due schedules could not be ticked together; now each alone.",
            exc_info=without_row(error),
        )
    enqueued = 0
    for key in plans.due_keys(vendor, backend.alias, BATCH):
        try:
            enqueued += _tick(vendor, backend, key)[1]
        except OUTAGES:
            raise
        except Exception as error:
            plans.put_off(vendor, key, error)
    return False, enqueued


def _tick(vendor: Vendor, backend: Any, only: int | None = None) -> tuple[bool, int]:
    more, results = vendor.persist(lambda: _write(vendor, backend, only))
    for result in results:
        task_enqueued.send_robust(type(backend), task_result=result)
    return more, len(results)


def _write(vendor: Vendor, backend: Any, only: int | None) -> tuple[bool, list[Any]]:
    alias = vendor.connection.alias
    with vendor.brief():
        now = vendor.now()
        found = plans.due(vendor, backend.alias, now, BATCH, only)
        if not found:
            return False, []
        schedules = Schedule.objects.using(alias).in_bulk(list(found))
        decisions = _decisions(vendor, found, schedules, now)
        taken = [found[key] for key in decisions]
        turn = Turn(
            vendor=vendor,
            backend=backend,
            now=now,
            busy=_busy(alias, taken, schedules),
            seen=_seen(vendor, taken, decisions),
        )
        for plan in taken:
            settle(turn, plan, schedules[plan.pk], decisions[plan.pk])
        results = enqueue_orders(vendor, turn.orders)
        Tick.objects.using(alias).bulk_create(turn.ticks)
        plans.save(vendor, taken)
        # A schedule that was deleted by hand leaves its plan.
        gone = found.keys() - schedules.keys()
        if gone:
            Plan.objects.using(alias).filter(pk__in=gone).delete()
        left = len(found) - len(gone) - len(taken)
        return left > 0 or len(found) == BATCH, results


def _decisions(
    vendor: Vendor,
    found: Mapping[int, Plan],
    schedules: Mapping[int, Schedule],
    now: datetime,
) -> dict[int, Decision]:
    """Decide on one plan after the other, until it is enough for a transaction."""
    decisions: dict[int, Decision] = {}
    moments, end = 0, time.monotonic() + _MOST_SECONDS
    for key in found:
        if moments >= MOST_MOMENTS or (decisions and time.monotonic() > end):
            break
        if key in schedules:
            decisions[key] = _decide(vendor, found[key], schedules[key], now)
            moments += len(decisions[key].run)
    return decisions


def _decide(vendor: Vendor, plan: Plan, schedule: Schedule, now: datetime) -> Decision:
    due = vendor.from_database(plan.next_run_at)
    nothing = Decision([], 0, due)
    if due is None:
        return nothing
    plan.error = ""
    if due > now:
        return nothing
    if not plans.same_timing(plan, schedule):
        # Edited in this very moment. It is worked out anew at the next look, which
        # is at once; what was due by the old timing is not any more.
        return nothing
    try:
        return decide(
            plans.timing(vendor, schedule),
            due=due,
            now=now,
            missed=schedule.missed,  # type: ignore[arg-type]
            grace=schedule.grace,
            start_at=vendor.from_database(schedule.start_at),
            end_at=vendor.from_database(schedule.end_at),
        )
    except Exception as error:
        plan.error = plans.reason(error)
        logger.error(
            "Schedule %s cannot be due: %s", one_line(schedule.name), plan.error
        )
        return nothing


def _busy(
    alias: str, found: Collection[Plan], schedules: Mapping[int, Schedule]
) -> set[UUID]:
    asked = [
        plan.last_job_id
        for plan in found
        if plan.last_job_id is not None
        and schedules[plan.pk].overlap != Schedule.Overlap.ALLOW
    ]
    return unfinished(alias, asked)


def _seen(
    vendor: Vendor, found: Collection[Plan], decisions: Mapping[int, Decision]
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
