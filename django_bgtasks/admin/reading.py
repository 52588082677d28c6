"""Reading schedules of which some column holds what its type cannot be.

A database that does not insist on types lets such a value be written by hand, and
Django then fails to read the row, and with it the whole page.
"""

from __future__ import annotations

from typing import Any

from django.db import Error

from ..models import Schedule

_FAILURES = (ArithmeticError, AttributeError, Error, TypeError, ValueError)


def read_rows(rows: Any) -> list[Any]:
    """Return the schedules of a QuerySet, None in the place of unreadable values.

    The attribute ``unreadable`` of such a schedule names the fields.
    """
    try:
        return list(rows)
    except _FAILURES:
        keys = list(rows.values_list("pk", flat=True))
        return [_read(rows.db, key) for key in keys]


def _read(alias: str, key: Any) -> Any:
    rows = Schedule.objects.using(alias).filter(pk=key)
    try:
        return rows.get()
    except _FAILURES:
        pass
    values: dict[str, Any] = {}
    unreadable = []
    for field in Schedule._meta.local_concrete_fields:
        try:
            values[field.attname] = rows.values_list(field.attname, flat=True).get()
        except _FAILURES:
            values[field.attname] = None
            unreadable.append(field.name)
    schedule = Schedule.from_db(alias, list(values), list(values.values()))
    schedule.unreadable = unreadable  # type: ignore[attr-defined]
    return schedule
