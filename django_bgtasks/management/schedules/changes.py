"""What a file or another scheduler would change among the schedules here."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from django.db import IntegrityError, transaction

from ...models import TIMING_FIELDS, Schedule
from ...periodic.validate import problems

# What people say of a schedule; the rest is noted by the package itself.
FIELDS = tuple(
    field.name
    for field in Schedule._meta.concrete_fields
    if field.editable and not field.primary_key
)
Action = Literal["create", "update", "keep", "unchanged", "declared"]


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of one schedule: ``differs`` names the fields in which the one
    that is here differs. ``keep``: it differs and is left as it is. ``declared``: the
    same, as code or settings say what it does.
    """

    schedule: Schedule
    action: Action
    differs: tuple[str, ...] = ()

    @property
    def writes(self) -> bool:
        return self.action in ("create", "update")


def find_changes(
    alias: str,
    wished: Iterable[Schedule],
    *,
    update: bool,
    ignored: Collection[str] = (),
) -> list[Change]:
    """Compare unsaved schedules with those of the same names in a database.

    With ``update``, those that differ are to be overwritten. What is ``ignored`` does
    not count as a difference, and stays as it is where nothing else differs.
    """
    wished = list(wished)
    names = [schedule.name for schedule in wished]
    rows = Schedule.objects.using(alias).filter(name__in=names)
    here = {row.name: row for row in rows}
    return [_change(each, here.get(each.name), update, ignored) for each in wished]


def _change(
    wished: Schedule, here: Schedule | None, update: bool, ignored: Collection[str]
) -> Change:
    if here is None:
        return Change(wished, "create")
    wished.pk = here.pk
    differs = tuple(
        name
        for name in FIELDS
        if name not in ignored and getattr(wished, name) != getattr(here, name)
    )
    if here.is_declared:
        return Change(wished, "declared", differs)
    if not differs:
        return Change(wished, "unchanged")
    return Change(wished, "update" if update else "keep", differs)


def problems_of(change: Change, now: datetime) -> dict[str, list[str]]:
    """Return what is wrong with a schedule, by its field.

    A time that has passed is wrong only where it would count anew.
    """
    retimed = change.action == "create" or {*change.differs} & {*TIMING_FIELDS}
    begins = retimed and change.schedule.enabled
    return problems(change.schedule, now=now if begins else None)


class NameTaken(Exception):
    """The database has a schedule of that name, or of one that it takes for that."""


def write(alias: str, changes: Iterable[Change]) -> None:
    """Write what is to be created and updated: all of it or nothing.

    Raise NameTaken, for instance where a database takes upper and lower case letters
    for the same.
    """
    with transaction.atomic(using=alias):
        for change in changes:
            try:
                _write(alias, change)
            except IntegrityError as error:
                raise NameTaken(
                    f"{change.schedule.name}: there is a schedule of this name, or of "
                    f"one that is the same to this database. Choose another."
                ) from error


def _write(alias: str, change: Change) -> None:
    if change.action == "create":
        change.schedule.save(using=alias, force_insert=True)
    elif change.action == "update":
        change.schedule.save(using=alias, update_fields=FIELDS)
