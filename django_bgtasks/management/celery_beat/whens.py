"""When an entry of Celery runs, in our words, and what differs in that."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from ...models import Schedule
from ...periodic.decide import upcoming
from ...periodic.timings import timing_of, window_of
from ...periodic.zones import zone_named
from ...results import public
from .clocks import clock_differences
from .conversion import Conversion, Rules
from .crontabs import translate
from .entries import CeleryCrontab, Every, Once, Sun

Kind = Schedule.Kind


def set_timing(made: Conversion, rules: Rules) -> None:
    """Set all that says when a schedule is due."""
    entry, schedule = made.entry, made.schedule
    if isinstance(entry.when, str):
        made.refusals.append(entry.when)
        return
    schedule.start_at = public(entry.start_time)
    schedule.end_at = public(entry.expires)
    if entry.expires is not None and entry.expires <= rules.now:
        made.refusals.append(f"It expired at {_shown(entry.expires)}.")
        return
    if entry.one_off and entry.total_run_count:
        made.refusals.append("It was to run once, and has.")
        return
    match entry.when:
        case CeleryCrontab():
            _set_crontab(made, entry.when, rules)
        case Every():
            _set_interval(made, entry.when, rules)
        case Sun():
            _set_solar(made, entry.when)
        case Once():
            _set_clocked(made, entry.when, rules)
    if not made.refusals and not isinstance(entry.when, Once):
        _look_ahead(made, rules)


def _set_crontab(made: Conversion, crontab: CeleryCrontab, rules: Rules) -> None:
    schedule = made.schedule
    schedule.kind, schedule.timezone = Kind.CRONTAB, crontab.timezone
    try:
        zone_named(crontab.timezone)
        translation = translate(crontab)
    except ValueError as error:
        made.refusals.append(str(error))
        return
    schedule.crontab = translation.expression
    if translation.expression.split() != str(crontab).split():
        made.notes.append(f"{str(crontab)!r} is written as {schedule.crontab!r}.")
    if translation.sunday_was_seven:
        made.notes.append(
            "Celery takes no 7 for Sunday, so it has never run there; here it does."
        )
    if rules.grace is not None:
        schedule.grace = rules.grace
    made.notes += clock_differences(schedule.crontab, schedule.timezone, rules.now)


def _set_interval(made: Conversion, every: Every, rules: Rules) -> None:
    entry, schedule = made.entry, made.schedule
    schedule.kind, schedule.every = Kind.INTERVAL, every.length
    anchor = entry.last_run_at
    if anchor is None and not (entry.start_time and entry.start_time > rules.now):
        anchor = entry.counted_from or rules.now
    if every.relative and every.length:
        anchor = _rounded(anchor or rules.now, every.length, ZoneInfo(rules.zone))
    schedule.anchor_at = public(anchor)
    made.notes.append(
        f"Counted exactly from {_shown(anchor or entry.start_time)}; Celery counts "
        f"from when it last sent it, and so drifts."
    )


def _set_solar(made: Conversion, sun: Sun) -> None:
    schedule = made.schedule
    schedule.kind, schedule.solar_event = Kind.SOLAR, sun.event
    schedule.latitude = _degrees(made, "latitude", sun.latitude)
    schedule.longitude = _degrees(made, "longitude", sun.longitude)
    made.notes.append("Worked out by astral, not by PyEphem: about a minute apart.")


def _set_clocked(made: Conversion, once: Once, rules: Rules) -> None:
    entry, schedule = made.entry, made.schedule
    schedule.kind, schedule.clocked_at = Kind.CLOCKED, public(once.at)
    if once.at > rules.now:
        return
    if entry.total_run_count or entry.last_run_at or not entry.enabled:
        made.refusals.append(f"Its time, {_shown(once.at)}, has passed.")
    else:
        made.notes.append(
            f"Its time, {_shown(once.at)}, has passed, and Celery has not run it: a "
            f"beat runs it at once."
        )


def _look_ahead(made: Conversion, rules: Rules) -> None:
    """Note what was due and has not run; turn what runs once into a one-off."""
    entry, schedule = made.entry, made.schedule
    try:
        timing, window = timing_of(schedule), window_of(schedule)
        ran = entry.last_run_at or entry.counted_from or rules.now
        missed = upcoming(timing, ran, 1, *window)
        ahead = upcoming(timing, rules.now, 1, *window)
    except (ValueError, ImportError):
        # What is wrong is said with the schedule's other problems.
        return
    if entry.one_off:
        _run_once(made, ahead)
    elif entry.enabled and missed and missed[0] <= rules.now:
        made.notes.append(
            f"Was due at {_shown(missed[0])}, and Celery has not noted a run since. "
            f"To make up for it: bgtasks schedules run {schedule.name!r}"
        )
    is_by_calendar = schedule.kind in (Kind.CRONTAB, Kind.SOLAR)
    if is_by_calendar and entry.start_time and entry.start_time > rules.now:
        made.notes.append(
            f"Celery runs it at its start, {_shown(entry.start_time)}, as well; here "
            f"it is due first at {_shown(ahead[0]) if ahead else 'no time'}."
        )


def _run_once(made: Conversion, ahead: list[datetime]) -> None:
    schedule = made.schedule
    if not ahead:
        made.refusals.append("It was to run once, and is not due any more.")
        return
    schedule.crontab = schedule.solar_event = ""
    schedule.every = schedule.anchor_at = schedule.start_at = None
    schedule.latitude = schedule.longitude = None
    schedule.kind, schedule.clocked_at = Kind.CLOCKED, public(ahead[0])
    # These were about a timing that is now one time.
    made.notes[:] = [each for each in made.notes if not each.startswith("Counted")]
    made.notes.append(f"Runs once: at {_shown(ahead[0])}.")


def _degrees(made: Conversion, name: str, value: Any) -> Decimal | None:
    """Return a latitude or longitude to the digits that a row holds."""
    try:
        return round(Decimal(str(value)), 6)
    except InvalidOperation:
        made.refusals.append(f"Its {name} {value!r} is no number.")
        return None


def _rounded(moment: datetime, length: timedelta, zone: ZoneInfo) -> datetime:
    """Round down to the unit of a length, as Celery does with ``relative``."""
    local = moment.astimezone(zone).replace(microsecond=0)
    if length >= timedelta(days=1):
        return local.replace(hour=0, minute=0, second=0)
    if length >= timedelta(hours=1):
        return local.replace(minute=0, second=0)
    return local.replace(second=0) if length >= timedelta(minutes=1) else local


def _shown(moment: datetime | None) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if moment else "now"
