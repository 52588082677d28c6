"""The tables of django-celery-beat, read whether or not it is installed still.

The models here belong to no app: nothing migrates them, and nothing writes them.
"""

# ruff: noqa: DJ001, DJ008 (the tables are as another package made them)

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.apps.registry import Apps
from django.db import connections, models

from ...periodic.timings import aware
from .entries import CeleryCrontab, Entry, Every, Once, Sun, When

_apps = Apps()
_KINDS = ("interval", "crontab", "solar", "clocked")


class NoTables(LookupError):
    """The database has no tables of django-celery-beat."""


class _Table(models.Model):
    id = models.BigIntegerField(primary_key=True)

    class Meta:
        abstract = True
        apps = _apps
        app_label = "django_celery_beat"
        managed = False


class _Crontab(_Table):
    minute = models.TextField()
    hour = models.TextField()
    day_of_month = models.TextField()
    month_of_year = models.TextField()
    day_of_week = models.TextField()
    timezone = models.TextField()

    class Meta(_Table.Meta):
        db_table = "django_celery_beat_crontabschedule"


class _Interval(_Table):
    every = models.BigIntegerField()
    period = models.TextField()

    class Meta(_Table.Meta):
        db_table = "django_celery_beat_intervalschedule"


class _Solar(_Table):
    event = models.TextField()
    latitude = models.DecimalField(max_digits=9, decimal_places=6)
    longitude = models.DecimalField(max_digits=9, decimal_places=6)

    class Meta(_Table.Meta):
        db_table = "django_celery_beat_solarschedule"


class _Clocked(_Table):
    clocked_time = models.DateTimeField()

    class Meta(_Table.Meta):
        db_table = "django_celery_beat_clockedschedule"


class _PeriodicTask(_Table):
    name = models.TextField()
    task = models.TextField()
    interval_id = models.BigIntegerField(null=True)
    crontab_id = models.BigIntegerField(null=True)
    solar_id = models.BigIntegerField(null=True)
    clocked_id = models.BigIntegerField(null=True)
    args = models.TextField()
    kwargs = models.TextField()
    headers = models.TextField(null=True)
    queue = models.TextField(null=True)
    exchange = models.TextField(null=True)
    routing_key = models.TextField(null=True)
    priority = models.BigIntegerField(null=True)
    expires = models.DateTimeField(null=True)
    expire_seconds = models.BigIntegerField(null=True)
    one_off = models.BooleanField()
    start_time = models.DateTimeField(null=True)
    enabled = models.BooleanField()
    last_run_at = models.DateTimeField(null=True)
    total_run_count = models.BigIntegerField()
    date_changed = models.DateTimeField()
    description = models.TextField()

    class Meta(_Table.Meta):
        db_table = "django_celery_beat_periodictask"


def read_tables(alias: str, *, zone: str, zones_count: bool = True) -> list[Entry]:
    """Return the periodic tasks in a database, by name. Raise NoTables.

    Tables of older releases lack columns; those have the meaning that they were
    given later. ``zone`` is that of crontabs without one of their own, and of all
    unless ``zones_count``.
    """
    whens = {
        "interval": _rows(alias, _Interval),
        "crontab": _rows(alias, _Crontab),
        "solar": _rows(alias, _Solar),
        "clocked": _rows(alias, _Clocked),
    }
    found = _rows(alias, _PeriodicTask)
    if found is None:
        raise NoTables(_PeriodicTask._meta.db_table)
    if not zones_count:
        for crontab in (whens["crontab"] or {}).values():
            crontab["timezone"] = zone
    rows = sorted(found.values(), key=lambda row: str(row["name"]))
    return [_entry(row, {k: v or {} for k, v in whens.items()}, zone) for row in rows]


def _rows(alias: str, model: type[models.Model]) -> dict[int, dict[str, Any]] | None:
    """Return the rows by id, with the columns that the table has."""
    connection = connections[alias]
    table = model._meta.db_table
    with connection.cursor() as cursor:
        if table not in connection.introspection.table_names(cursor):
            return None
        columns = connection.introspection.get_table_description(cursor, table)
    there = {column.name for column in columns}
    names = [each.name for each in model._meta.local_fields if each.name in there]
    return {row["id"]: row for row in model._base_manager.using(alias).values(*names)}


def _entry(row: dict[str, Any], whens: dict[str, dict[int, Any]], zone: str) -> Entry:
    moments = {
        name: aware(row[name]) if row.get(name) else None
        for name in ("expires", "start_time", "last_run_at", "date_changed")
    }
    return Entry(
        name=row["name"],
        task=row["task"],
        when=_when(row, whens, zone),
        args=row["args"],
        kwargs=row["kwargs"],
        headers=row.get("headers"),
        queue=row["queue"] or None,
        exchange=row["exchange"] or None,
        routing_key=row["routing_key"] or None,
        priority=row.get("priority"),
        expires=moments["expires"],
        expire_seconds=row.get("expire_seconds"),
        one_off=bool(row.get("one_off")),
        start_time=moments["start_time"],
        enabled=row["enabled"],
        last_run_at=moments["last_run_at"],
        counted_from=moments["date_changed"],
        total_run_count=row["total_run_count"],
        description=row.get("description") or "",
    )


def _when(
    row: dict[str, Any], whens: dict[str, dict[int, Any]], zone: str
) -> When | str:
    # django-celery-beat takes the first that is set.
    kinds: Iterator[str] = (each for each in _KINDS if row.get(f"{each}_id"))
    kind = next(kinds, None)
    if kind is None:
        return "It has no schedule: Celery never runs it."
    when = whens[kind].get(row[f"{kind}_id"])
    if when is None:
        return f"Its {kind} schedule is gone: Celery never runs it."
    if kind == "crontab":
        fields = {name: when[name] for name in CeleryCrontab.__slots__ if name in when}
        return CeleryCrontab(**{"timezone": zone, **fields})
    if kind == "interval":
        return _interval(when)
    if kind == "solar":
        return Sun(when["event"], when["latitude"], when["longitude"])
    return Once(aware(when["clocked_time"]))


def _interval(when: dict[str, Any]) -> Every | str:
    try:
        return Every(timedelta(**{when["period"]: when["every"]}))
    except (TypeError, OverflowError):
        return f"There is no interval of {when['every']} {when['period']!r}."
