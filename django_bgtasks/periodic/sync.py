"""From declarations to rows: what code and settings say of schedules, in the database.

People may pause a declared schedule, and change its timing where the declaration lets
them; the rest follows the declaration. One whose declaration is gone is disabled, not
deleted, so that its history stays.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from django.db import IntegrityError, transaction
from django.db.models import Q

from .. import payload
from ..models import TIMING_FIELDS, Schedule
from ..results import public
from ..vendors import Vendor, vendor_of
from .declaration import Declaration
from .timings import aware

logger = logging.getLogger("django_bgtasks.beat")

# Whether it is enabled is for people to say.
_TIMING = tuple(name for name in TIMING_FIELDS if name != "enabled")
_REST = (
    *("backend", "origin", "task_path", "description", "timing_editable"),
    *("args", "kwargs", "queue_name", "priority", "expires", "jitter", "metadata"),
    *("missed", "grace", "overlap"),
)
_JSON = ("args", "kwargs", "metadata")


class Synced(NamedTuple):
    """Names of the schedules that were written, and of those that could not be.

    ``disabled``: their declarations are gone. ``returned``: they are back.
    ``refused``: a schedule made by hand, or one spelt alike, has their name.
    """

    created: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    disabled: tuple[str, ...] = ()
    returned: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()


def sync(connection: Any, backend: str, declared: Iterable[Declaration]) -> Synced:
    """Bring the declared schedules of a backend into its database, all or none.

    ``declared`` is everything that is declared for the backend. Any number of
    processes may do this at once. Only what differs is written; where nothing does,
    nothing is locked either. Schedules made by hand are never touched.
    """
    vendor = vendor_of(connection)
    wanted = {each.name: each for each in sorted(declared, key=lambda each: each.name)}
    synced = _Reading(_rows(vendor, backend, wanted), wanted)
    if not synced.is_done:
        synced = vendor.persist(lambda: _write(vendor, backend, wanted))
    result = synced.result()
    _tell(backend, result)
    return result


class _Reading:
    """What rows and declarations, compared, ask for."""

    def __init__(
        self,
        rows: Mapping[str, Schedule],
        wanted: Mapping[str, Declaration],
        created: tuple[str, ...] = (),
    ) -> None:
        self.created = created
        self.missing = [name for name in wanted if name not in rows]
        self.refused = [
            name for name in wanted if name in rows and not rows[name].is_declared
        ]
        self.gone = [
            row
            for name, row in rows.items()
            if name not in wanted and row.undeclared_at is None
        ]
        self.changes = [
            (rows[name], changes)
            for name, declaration in wanted.items()
            if name in rows
            and name not in self.refused
            and (changes := _changes(rows[name], declaration))
        ]

    @property
    def is_done(self) -> bool:
        return not (self.missing or self.gone or self.changes)

    def result(self) -> Synced:
        back = [row for row, _ in self.changes if row.undeclared_at is not None]
        changed = [row for row, changes in self.changes if set(changes) - _RETURNING]
        return Synced(
            self.created,
            tuple(row.name for row in changed),
            tuple(row.name for row in self.gone),
            tuple(row.name for row in back),
            # One that is missing still is hidden by a name that is nearly the same.
            tuple(sorted((*self.refused, *self.missing))),
        )


def _rows(
    vendor: Vendor,
    backend: str,
    wanted: Mapping[str, Declaration],
    *,
    lock: bool = False,
) -> dict[str, Schedule]:
    """Return the rows that have a wanted name, or were declared for the backend."""
    declared = Q(backend=backend) & ~Q(origin=Schedule.Origin.ADMIN)
    rows = Schedule.objects.using(vendor.connection.alias)
    rows = rows.filter(Q(name__in=list(wanted)) | declared).order_by("name")
    if lock:
        rows = rows.select_for_update()
    # Where names are compared without regard to case, more is found than was asked.
    return {
        row.name: row
        for row in rows
        if row.name in wanted or (row.backend == backend and row.is_declared)
    }


def _write(vendor: Vendor, backend: str, wanted: Mapping[str, Declaration]) -> _Reading:
    alias = vendor.connection.alias
    with vendor.brief():
        now = public(vendor.now())
        reading = _Reading(_rows(vendor, backend, wanted, lock=True), wanted)
        if reading.missing:
            created = tuple(
                name for name in reading.missing if _insert(alias, wanted[name])
            )
            rows = _rows(vendor, backend, wanted, lock=True)
            reading = _Reading(rows, wanted, created)
        for row in reading.gone:
            _update(alias, row, _leave(row, now))
        for row, changes in reading.changes:
            _update(alias, row, changes)
    return reading


def _insert(alias: str, declaration: Declaration) -> bool:
    """Make a row, or return False if somebody else has made it meanwhile."""
    values = {name: _value(declaration, name) for name in (*_TIMING, *_REST)}
    row = Schedule(name=declaration.name, enabled=declaration.enabled, **values)
    try:
        with transaction.atomic(alias):
            row.save(using=alias, force_insert=True)
    except IntegrityError:
        return False
    return True


def _update(alias: str, row: Schedule, changes: Mapping[str, Any]) -> None:
    Schedule.objects.using(alias).filter(pk=row.pk).update(**changes)


def _changes(row: Schedule, declaration: Declaration) -> dict[str, Any]:
    """Return what a row lacks to be as declared."""
    keeps_timing = declaration.timing_editable and row.timing_edited
    names = _REST if keeps_timing else (*_TIMING, *_REST)
    changes = {
        name: _value(declaration, name)
        for name in names
        if not _same(name, getattr(row, name), getattr(declaration, name))
    }
    if row.timing_edited and not declaration.timing_editable:
        changes["timing_edited"] = False
    if row.undeclared_at is not None:
        changes |= {"undeclared_at": None, "was_enabled": False}
        if row.was_enabled and not row.enabled:
            changes["enabled"] = True
    return changes


_RETURNING = {"undeclared_at", "was_enabled", "enabled"}


def _leave(row: Schedule, now: datetime) -> dict[str, Any]:
    return {"enabled": False, "was_enabled": row.enabled, "undeclared_at": now}


def _value(declaration: Declaration, name: str) -> Any:
    value = getattr(declaration, name)
    return public(value) if isinstance(value, datetime) else value


def _same(name: str, stored: Any, declared: Any) -> bool:
    if name in _JSON:
        # Compared as values, 1 would be True.
        return _text(stored) == _text(declared)
    if isinstance(stored, datetime):
        stored = aware(stored)
    return bool(stored == declared)


def _text(value: Any) -> str:
    return payload.dump(payload.normalize(value, "value"), "value", 2**62)


def _tell(backend: str, synced: Synced) -> None:
    for word in ("created", "changed", "disabled", "returned"):
        if names := getattr(synced, word):
            logger.info(
                "Declared schedules of the backend %s: %s %s.",
                backend,
                word,
                ", ".join(names),
            )
    for name in synced.refused:
        logger.error(
            "The declared schedule %s is left out: there is another of that name, made "
            "by hand or, where the database ignores case, spelt alike. Rename one of "
            "them.",
            name,
        )
