"""Plans: what a beat works out of each schedule, anew whenever its timing changes.

Nothing is cached. A statement compares every schedule with the timing that its plan
knows, so an edit counts by whatever way it was made.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import CharField, QuerySet

from .. import payload
from ..log import one_line
from ..models import TIMING_FIELDS, Plan, Schedule, Tick
from ..models.schedule import Timing as TimingModel
from ..results import public
from ..vendors import OUTAGES, Vendor, without_row
from .clocked import Clocked
from .decide import first
from .naive import Naive
from .timing import Timing
from .timings import timing_of

logger = logging.getLogger("django_bgtasks.beat")

# Schedules that are worked out at once.
BATCH = 1_000
# When to try again what failed for a reason that no edit may take away.
AGAIN = timedelta(minutes=1)
_LONGEST_REASON = 1_000
# A plan made this much later than now was made by a clock that went wrong since.
_CLOCK_STEP = timedelta(minutes=5)
_TEXTS = {
    field.name
    for field in TimingModel._meta.local_fields
    if isinstance(field, CharField)
}
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
    ahead as the clock was wrong. And one that has left this backend, or a plan that
    says it was due here would be looked at for ever.
    """
    quote = vendor.quote
    differ = " OR ".join(
        vendor.differ(f"s.{quote(name)}", f"p.{quote(name)}", text=name in _TEXTS)
        for name in TIMING_FIELDS
    )
    with vendor.connection.cursor() as cursor:
        cursor.execute(
            f"SELECT s.id FROM {quote(Schedule._meta.db_table)} s "
            f"LEFT JOIN {quote(Plan._meta.db_table)} p ON p.schedule_id = s.id "
            f"WHERE %s IN (s.backend, p.backend) AND "
            f"(p.planned_at IS NULL OR p.planned_at > %s OR {differ}) LIMIT {BATCH}",
            [backend, vendor.to_database(now + _CLOCK_STEP)],
        )
        return [row[0] for row in cursor.fetchall()]


def replan(vendor: Vendor, ids: Sequence[int], since: datetime | None) -> int:
    """Work out the plans of these schedules, and return how many were.

    Their next runs are those after ``since``, the moment when a beat last saw the
    schedules unchanged; after now if none has. A plan that another beat has locked
    is left to it. A schedule that the database cannot have read or written is shown
    to be so, and stops no other.
    """
    try:
        return _replan(vendor, ids, since)
    except OUTAGES:
        raise
    except Exception as error:
        if len(ids) > 1:
            return sum(replan(vendor, [each], since) for each in ids)
        _give_up(vendor, ids[0], error)
        return 0


def _replan(vendor: Vendor, ids: Sequence[int], since: datetime | None) -> int:
    alias = vendor.connection.alias
    known = set(
        Plan.objects.using(alias).filter(pk__in=ids).values_list("pk", flat=True)
    )
    bare = [Plan(schedule_id=each, kind="") for each in ids if each not in known]

    def work() -> int:
        with vendor.brief():
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
            # Of a schedule that was deleted meanwhile none is made, for nobody would
            # ever look at it.
            made = {plan.pk for plan in bare}
            rows = Plan.objects.using(alias)
            rows.filter(pk__in=made & plans.keys() - schedules.keys()).delete()
            return len(stale)

    return vendor.persist(work)


def try_again(vendor: Vendor, backend: str) -> None:
    """Have the schedules that could not be worked out be so anew.

    What was missing, such as a library, may have been installed since.
    """
    rows = Plan.objects.using(vendor.connection.alias).exclude(error="")
    rows = rows.filter(backend=backend, next_run_at=None)
    vendor.persist(lambda: rows.update(planned_at=None))


def due(
    vendor: Vendor, backend: str, now: datetime, limit: int, only: int | None = None
) -> dict[int, Plan]:
    """Lock the plans to look at now, without those that another beat has.

    Of the schedule ``only``, if it is given.
    """
    rows = _due(vendor, backend, now)
    if only is not None:
        rows = rows.filter(pk=only)
    return _locked(vendor, rows.order_by("wake_at")[:limit])


def due_keys(vendor: Vendor, backend: str, limit: int) -> list[int]:
    """Return the schedules to look at now."""
    rows = _due(vendor, backend, vendor.now()).order_by("wake_at")
    return list(rows.values_list("pk", flat=True)[:limit])


def put_off(vendor: Vendor, key: int, error: Exception) -> None:
    """Have a due plan looked at later that could not be ticked, and show why.

    Its due moments stay due.
    """
    text = reason(error)
    logger.error("Schedule %s is tried again in a minute: %s", key, text)
    now = vendor.now()
    # Unless another beat could.
    rows = Plan.objects.using(vendor.connection.alias)
    rows = rows.filter(pk=key, wake_at__lte=public(now))
    vendor.persist(lambda: rows.update(error=text, wake_at=public(now + AGAIN)))


def reason(error: Exception) -> str:
    """Return what is wrong in words that every database stores."""
    kind = "" if type(error) is ValueError else f"{type(error).__name__}: "
    return payload.printable(f"{kind}{without_row(error)}")[:_LONGEST_REASON]


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


def _due(vendor: Vendor, backend: str, now: datetime) -> QuerySet[Plan]:
    rows = Plan.objects.using(vendor.connection.alias)
    return rows.filter(wake_at__lte=public(now), backend=backend)


def _give_up(vendor: Vendor, key: int, error: Exception) -> None:
    """Have a schedule not be due, until one of the next looks finds it mended."""
    text = reason(error)
    rows = Plan.objects.using(vendor.connection.alias)
    bare = [Plan(schedule_id=key, kind="")]
    vendor.persist(lambda: rows.bulk_create(bare, ignore_conflicts=True))
    rest = rows.filter(pk=key).exclude(error=text, wake_at=None, planned_at=None)
    values = dict.fromkeys(("planned_at", "next_run_at", "wake_at"))
    if vendor.persist(lambda: rest.update(error=text, **values)):
        logger.error("Schedule %s cannot be due: %s", key, text)


def timing(vendor: Vendor, schedule: Schedule) -> Timing:
    """Return the timing of a schedule, of moments that the database tells apart.

    Raise ValueError for a row that makes none.
    """
    found = timing_of(schedule)
    if settings.USE_TZ or isinstance(found, Clocked):
        return found
    return Naive(found, vendor.as_stored)


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
        one_line(schedule.name),
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
            plan.error = reason(error)
            logger.error(
                "Schedule %s cannot be due: %s", one_line(schedule.name), plan.error
            )
    elif plan.held_for is not None:
        _drop_held(vendor, plan)
    plan.next_run_at = public(upcoming)
    plan.wake_at = plan.next_run_at if plan.held_for is None else public(now)


def _first(
    vendor: Vendor, plan: Plan, schedule: Schedule, since: datetime
) -> datetime | None:
    found = timing(vendor, schedule)
    read = vendor.from_database
    # What has run at a time may run at that time again only if the clock says so.
    ran = read(plan.last_due_at) if isinstance(found, Clocked) else None
    start_at, end_at = read(schedule.start_at), read(schedule.end_at)
    return first(found, since, start_at, end_at, ran=ran)


def _drop_held(vendor: Vendor, plan: Plan) -> None:
    held_tick(vendor, plan).update(
        outcome=Tick.Outcome.MISSED, detail="The schedule was disabled."
    )
    plan.held_for = None
