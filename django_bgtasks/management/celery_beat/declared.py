"""A ``beat_schedule``: the dict in which projects declare periodic tasks to Celery.

Its values are told by what they have, not by their classes, so that Celery need not
be installed for a dict of plain numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any

from ...periodic.timings import aware
from .entries import CeleryCrontab, Entry, Every, Once, Sun, When


def find_beat_schedule(path: str) -> tuple[Mapping[str, Any], str | None]:
    """Return the dict at a dotted path, which may also name a Celery app, and the
    zone of the app. Raise LookupError, saying what is wrong with the path.
    """
    found = _attribute(path)
    conf = getattr(found, "conf", None)
    zone = getattr(conf, "timezone", None)
    found = getattr(conf, "beat_schedule", found)
    if not isinstance(found, Mapping):
        raise LookupError(
            f"{path} is {type(found).__name__}: name a dict such as "
            f"'django.conf.settings.CELERY_BEAT_SCHEDULE', or a Celery app."
        )
    return found, str(zone) if zone else None


def _attribute(path: str) -> Any:
    parts = path.split(".")
    for length in range(len(parts), 0, -1):
        name = ".".join(parts[:length])
        try:
            found: Any = import_module(name)
        except ModuleNotFoundError as error:
            if error.name and (name == error.name or name.startswith(f"{error.name}.")):
                continue
            raise LookupError(f"{name} cannot be imported: {error}.") from error
        except Exception as error:
            raise LookupError(f"{name} cannot be imported: {error}") from error
        for attribute in parts[length:]:
            if not hasattr(found, attribute):
                raise LookupError(f"{path}: {name} has no {attribute!r}.")
            found, name = getattr(found, attribute), f"{name}.{attribute}"
        return found
    raise LookupError(f"There is no module {parts[0]!r}.")


def read_beat_schedule(
    schedule: Mapping[str, Any], *, zone: str, now: datetime
) -> list[Entry]:
    """Return the periodic tasks of a ``beat_schedule``, in its order.

    ``zone`` is that of crontabs without one of their own.
    """
    return [
        _entry(str(name), each, zone, now)
        if isinstance(each, Mapping)
        else Entry(name=str(name), task="", when=f"{each!r} is no entry.")
        for name, each in schedule.items()
    ]


def _entry(name: str, each: Mapping[str, Any], zone: str, now: datetime) -> Entry:
    when = _when(each.get("schedule"), bool(each.get("relative")), zone)
    options = each.get("options") or {}
    if not isinstance(options, Mapping):
        options, when = {}, f"Its options are {options!r}, which are no dict."
    expires = options.get("expires")
    seconds = options.get("expire_seconds")
    if isinstance(expires, timedelta):
        expires = expires.total_seconds()
    if isinstance(expires, (int, float)):
        expires, seconds = None, expires
    return Entry(
        name=name,
        task=str(each.get("task") or name),
        when=when,
        args=each.get("args"),
        kwargs=each.get("kwargs"),
        headers=options.get("headers"),
        queue=str(options["queue"]) if options.get("queue") else None,
        exchange=_text(options.get("exchange")),
        routing_key=_text(options.get("routing_key")),
        priority=options.get("priority"),
        expires=aware(expires) if isinstance(expires, datetime) else None,
        expire_seconds=seconds,
        enabled=bool(each.get("enabled", True)),
        counted_from=now,
    )


def _text(value: Any) -> str | None:
    return str(value) if value else None


def _when(schedule: Any, relative: bool, zone: str) -> When | str:
    if isinstance(schedule, (int, float)) and not isinstance(schedule, bool):
        try:
            schedule = timedelta(seconds=schedule)
        except (ValueError, OverflowError):
            return f"{schedule!r} is no number of seconds."
    if isinstance(schedule, timedelta):
        return Every(schedule, relative)
    if hasattr(schedule, "run_every"):
        return Every(schedule.run_every, relative or bool(schedule.relative))
    if hasattr(schedule, "_orig_minute"):
        own = getattr(vars(schedule).get("tz"), "key", None)
        return CeleryCrontab(
            minute=_field(schedule._orig_minute),
            hour=_field(schedule._orig_hour),
            day_of_month=_field(schedule._orig_day_of_month),
            month_of_year=_field(schedule._orig_month_of_year),
            day_of_week=_field(schedule._orig_day_of_week),
            timezone=own or zone,
        )
    if hasattr(schedule, "event"):
        return Sun(schedule.event, schedule.lat, schedule.lon)
    if hasattr(schedule, "clocked_time"):
        return Once(aware(schedule.clocked_time))
    return f"Its schedule {schedule!r} is of no kind that is known here."


def _field(value: Any) -> str:
    if isinstance(value, Iterable) and not isinstance(value, str):
        return ",".join(str(each) for each in sorted(value))
    return str(value)
