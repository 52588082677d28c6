"""The import itself: entries in, schedules out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from django.conf import settings
from django.db import connections, transaction

from ..schedules.changes import Change, find_changes, write
from .conversion import Conversion, Rules
from .convert import convert
from .declared import find_beat_schedule, read_beat_schedule
from .entries import Entry
from .rules import near, require_used
from .tables import NoTables, read_tables

Action = Literal["create", "update", "keep", "unchanged", "leave out"]


@dataclass(frozen=True, slots=True)
class Source:
    """Where entries come from: an alias of DATABASES, a dotted path, or both."""

    database: str | None
    beat_schedule: str | None
    # The zone that was asked for, which comes before that of a Celery app.
    zone: str | None = None


@dataclass(slots=True)
class Imported:
    """What becomes, or became, of an entry, and why; ``notes``: what will differ."""

    conversion: Conversion
    action: Action
    reasons: list[str] = field(default_factory=list)

    @property
    def entry(self) -> Entry:
        return self.conversion.entry

    @property
    def name(self) -> str:
        return self.conversion.schedule.name

    @property
    def enabled(self) -> bool:
        return self.conversion.schedule.enabled

    @property
    def notes(self) -> list[str]:
        return [] if self.action == "leave out" else self.conversion.notes


def read_entries(
    source: Source, rules: Rules, only: Iterable[str] | None
) -> list[Entry]:
    """Return the periodic tasks of Celery, those of the tables first.

    Of two with one name the one in the tables counts: Celery writes the other there.
    Raise LookupError if there is no such source, or not what ``only`` names.
    """
    entries: dict[str, Entry] = {}
    if source.database is not None:
        for entry in _from_tables(source.database, rules):
            entries[entry.name] = entry
    if source.beat_schedule is not None:
        found, zone = find_beat_schedule(source.beat_schedule)
        zone = source.zone or zone or rules.zone
        for entry in read_beat_schedule(found, zone=zone, now=rules.now):
            entries.setdefault(entry.name, entry)
    require_used(
        rules,
        {entry.task for entry in entries.values()},
        {entry.queue for entry in entries.values() if entry.queue},
    )
    if only is None:
        return list(entries.values())
    for name in only:
        if name not in entries:
            raise LookupError(
                f"--only: Celery has no periodic task {name!r}.{near(name, entries)}"
            )
    return [entries[name] for name in dict.fromkeys(only)]


def _from_tables(alias: str, rules: Rules) -> list[Entry]:
    if alias not in connections:
        raise LookupError(
            f"--database: DATABASES has no {alias!r}.{near(alias, connections)}"
        )
    # Without it, Celery ignores the zones of crontabs.
    zones_count = bool(getattr(settings, "DJANGO_CELERY_BEAT_TZ_AWARE", True))
    try:
        return read_tables(alias, zone=rules.zone, zones_count=zones_count)
    except NoTables as error:
        raise LookupError(
            f"Database {alias!r} has no table {error}. Name the one that has by "
            f"--database, or a dict by --beat-schedule."
        ) from error


def import_entries(
    alias: str, entries: list[Entry], rules: Rules, writes: bool, update: bool
) -> list[Imported]:
    """Return what becomes of each entry, and make it so if ``writes``: all or nothing.

    Repeated, it changes nothing: what is here already is left, unless ``update`` and
    it differs.
    """
    made = [convert(entry, rules) for entry in entries]
    wished = [each.schedule for each in made if not each.refusals]
    # An interval goes on as it is, however often Celery has run it since.
    ignored = () if update else ("anchor_at",)
    with transaction.atomic(using=alias):
        changes = find_changes(alias, wished, update=update, ignored=ignored)
        if writes:
            write(alias, changes)
    by_name = {change.schedule.name: change for change in changes}
    return [_imported(each, by_name.get(each.schedule.name)) for each in made]


def _imported(made: Conversion, change: Change | None) -> Imported:
    if made.refusals or change is None:
        return Imported(made, "leave out", made.refusals)
    if change.action == "declared":
        text = "A schedule of this name is declared in code or settings. See --prefix."
        return Imported(made, "leave out", [text])
    if change.action == "keep":
        text = f"Differs from Celery's in {', '.join(change.differs)}. See --update."
        return Imported(made, "keep", [text])
    return Imported(made, change.action)
