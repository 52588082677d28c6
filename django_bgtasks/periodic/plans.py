"""Plans: what a beat works out of each schedule, anew whenever its timing changes.

Nothing is cached. A statement compares every schedule with the timing that its plan
knows, so an edit counts by whatever way it was made.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet

from ..models import TIMING_FIELDS, Plan, Schedule, Tick
from ..results import public
from ..vendors import Vendor
from .clocked import Clocked
from .decide import first
from .timings import timing_of

logger = logging.getLogger("django_bgtasks.beat")

# Schedules that are worked out at once.
BATCH = 1_000
# A plan made this much later than now was made by a clock that went wrong since.
_CLOCK_STEP = timedelta(minutes=5)
_STATE = (
    "planned_at",
    "next_run_at",
    "wake_at",
    "held_for",
    "last_due_at",
    "last_run_at",
    "last_job_id",
    "run_count",
    "error",
)


def changed(vendor: Vendor, backend: str, now: datetime) -> list[int]:
    """Return the schedules whose plan is missing or made of another timing.

    So is one made by a clock that was put back since: its next run may lie as far
    ahead as the clock was wrong.
    """
    quote = vendor.quote
    differ = " OR ".join(
        vendor.differ(f"s.{quote(name)}", f"p.{quote(name)}") for name in TIMING_FIELDS
    )
    with vendor.connection.cursor() as cursor:
        cursor.execute(
            f"SELECT s.id FROM {quote(Schedule._meta.db_table)} s "
            f"LEFT JOIN {quote(Plan._meta.db_table)} p ON p.schedule_id = s.id "
            f"WHERE s.backend = %s AND "
            f"(p.planned_at IS NULL OR p.planned_at > %s OR {differ}) LIMIT {BATCH}",
            [backend, vendor.to_database(now + _CLOCK_STEP)],
        )
        return [row[0] for row in cursor.fetchall()]


def replan(vendor: Vendor, ids: Collection[int], since: datetime | None) -> int:
    """Work out the plans of these schedules, and return how many there were.

    Their next runs are those after ``since``, the moment when a beat last saw the
    schedules unchanged; after now if none has. A plan that another beat has locked
    is left to it.
    """
    alias = vendor.connection.alias
    known = set(
        Plan.objects.using(alias).filter(pk__in=ids).values_list("pk", flat=True)
    )
    bare = [Plan(schedule_id=each, kind="") for each in ids if each not in known]

    def work() -> int:
        with vendor.atomic():
            if bare:
                Plan.objects.using(alias).bulk_create(bare, ignore_conflicts=True)
            plans = _locked(vendor, Plan.objects.using(alias).filter(pk__in=ids))
            schedules = Schedule.objects.using(alias).in_bulk(list(plans))
            now = vendor.now()
            stale = [
                plan
                for plan in plans.values()
                if plan.pk in schedules
                and _is_stale(vendor, plan, schedules[plan.pk], now)
            ]
            for plan in stale:
                _work_out(vendor, plan, schedules[plan.pk], min(since or now, now), now)
            save(vendor, stale)
            return len(stale)

    return vendor.persist(work)


def try_again(vendor: Vendor, backend: str) -> None:
    """Have the schedules that could not be worked out be so anew.

    What was missing, such as a library, may have been installed since.
    """
    rows = Plan.objects.using(vendor.connection.alias).exclude(error="")
    vendor.persist(lambda: rows.filter(backend=backend).update(planned_at=None))


def due(vendor: Vendor, backend: str, now: datetime, limit: int) -> dict[int, Plan]:
    """Lock the plans to look at now, without those that another beat has."""
    rows = Plan.objects.using(vendor.connection.alias)
    rows = rows.filter(wake_at__lte=public(now), backend=backend)
    return _locked(vendor, rows.order_by("wake_at")[:limit])


def next_wake(vendor: Vendor, backend: str) -> datetime | None:
    """Return when the next plan is to be looked at."""
    rows = Plan.objects.using(vendor.connection.alias)
    rows = rows.filter(wake_at__isnull=False, backend=backend).order_by("wake_at")
    moment: datetime | None = rows.values_list("wake_at", flat=True).first()
    return vendor.from_database(moment)


def save(vendor: Vendor, plans: Iterable[Plan]) -> None:
    """Write plans that are locked, in one statement."""
    plans = list(plans)
    if plans:
        Plan.objects.using(vendor.connection.alias).bulk_create(
            plans,
            update_conflicts=True,
            update_fields=[*TIMING_FIELDS, *_STATE],
            **vendor.on_conflict("schedule"),
        )


def held_tick(vendor: Vendor, plan: Plan) -> QuerySet[Tick]:
    """Return the tick of the moment that a plan holds back."""
    assert plan.held_for is not None
    rows = Tick.objects.using(vendor.connection.alias)
    return rows.filter(schedule_id=plan.pk, due_at=plan.held_for)


def same_timing(plan: Plan, schedule: Schedule) -> bool:
    """Whether a plan was made of the timing that its schedule has."""
    return all(getattr(plan, name) == getattr(schedule, name) for name in TIMING_FIELDS)


def _locked(vendor: Vendor, rows: Any) -> dict[int, Plan]:
    return {plan.pk: plan for plan in vendor.skip_taken(rows)}


def _is_stale(vendor: Vendor, plan: Plan, schedule: Schedule, now: datetime) -> bool:
    # Another beat may have been faster. The database may also compare by text what
    # is the same moment.
    planned_at = vendor.from_database(plan.planned_at)
    if planned_at is None or not same_timing(plan, schedule):
        return True
    if planned_at <= now + _CLOCK_STEP:
        return False
    logger.warning(
        "Schedule %s: the database's clock went back, from %s to %s. It is planned "
        "anew; no moment is enqueued twice.",
        schedule.name,
        planned_at,
        now,
    )
    return True


def _work_out(
    vendor: Vendor, plan: Plan, schedule: Schedule, since: datetime, now: datetime
) -> None:
    for name in TIMING_FIELDS:
        setattr(plan, name, getattr(schedule, name))
    plan.planned_at = public(now)
    plan.error = ""
    upcoming = None
    if schedule.enabled:
        try:
            upcoming = _first(vendor, plan, schedule, since)
        except Exception as error:
            plan.error = str(error)
            logger.error("Schedule %s cannot be due: %s", schedule.name, error)
    elif plan.held_for is not None:
        _drop_held(vendor, plan)
    plan.next_run_at = public(upcoming)
    plan.wake_at = plan.next_run_at if plan.held_for is None else public(now)


def _first(
    vendor: Vendor, plan: Plan, schedule: Schedule, since: datetime
) -> datetime | None:
    timing = timing_of(schedule)
    read = vendor.from_database
    # What has run at a time may run at that time again only if the clock says so.
    ran = read(plan.last_due_at) if isinstance(timing, Clocked) else None
    start_at, end_at = read(schedule.start_at), read(schedule.end_at)
    return first(timing, since, start_at, end_at, ran=ran)


def _drop_held(vendor: Vendor, plan: Plan) -> None:
    held_tick(vendor, plan).update(
        outcome=Tick.Outcome.MISSED, detail="The schedule was disabled."
    )
    plan.held_for = None
