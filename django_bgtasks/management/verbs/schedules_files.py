"""``bgtasks schedules export`` and ``import``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import transaction

from ...models import Schedule
from ...vendors import vendor_of
from ..console import Console
from ..schedules.changes import Change, NameTaken, find_changes, problems_of, write
from ..schedules.files import FORMATS, Unreadable, dump, format_of, load
from ..schedules.form import WORDS, Problems, by_key, from_record, spelled, to_record
from .base import Backend, Verb, add_backend, find_backend
from .schedules import find_named


class ExportVerb(Verb):
    name = "export"
    help = "Write schedules as a file that people can edit and 'import' reads."

    def add_arguments(self, parser: CommandParser) -> None:
        add_backend(parser)
        parser.add_argument(
            "names",
            nargs="*",
            metavar="name",
            help="Its name; without any, all that were not declared in code.",
        )
        _add_format(parser)
        parser.add_argument(
            "--output", metavar="FILE", help="The file (default: standard output)."
        )

    def run(self, console: Console, options: dict[str, Any]) -> None:
        backend, path = find_backend(options), options["output"]
        if options["names"]:
            rows = find_named(backend, options["names"])
        else:
            by_hand = Schedule.objects.using(backend.database).order_by("name")
            rows = list(by_hand.filter(origin=Schedule.Origin.ADMIN))
        form = options["format"] or format_of(path or "") or "json"
        try:
            text = dump({row.name: to_record(row, backend.alias) for row in rows}, form)
            if path is None:
                console.line(text.rstrip("\n"))
                return
            Path(path).write_text(text, encoding="utf-8")
        except (Unreadable, OSError) as error:
            raise CommandError(f"--output: {error}" if path else str(error)) from error
        number = "1 schedule" if len(rows) == 1 else f"{len(rows)} schedules"
        console.line(f"Exported {number} to {path}.")


class ImportVerb(Verb):
    name = "import"
    help = (
        "Create the schedules of a file that 'export' wrote, or people did: all of "
        "them or, where one has a problem, none."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        add_backend(parser)
        parser.add_argument("file", help="The file; - reads standard input.")
        _add_format(parser)
        parser.add_argument(
            "--update",
            action="store_true",
            help="Overwrite schedules that are here and differ.",
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="Only say what would be done."
        )

    def run(self, console: Console, options: dict[str, Any]) -> None:
        backend, path = find_backend(options), options["file"]
        form = options["format"] or format_of(path) or "json"
        try:
            text = sys.stdin.read() if path == "-" else Path(path).read_text("utf-8")
            records = load(text, form)
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(f"{path} cannot be read: {error}") from error
        except Unreadable as error:
            raise CommandError(f"{path}: {error}") from error
        try:
            with transaction.atomic(using=backend.database):
                changes = _checked(backend, records, options["update"])
                if not options["dry_run"]:
                    write(backend.database, changes)
        except NameTaken as error:
            raise CommandError(f"{error}\nNothing was written.") from error
        _tell(console, changes, options["dry_run"])


def _add_format(parser: CommandParser) -> None:
    parser.add_argument(
        "--format",
        choices=FORMATS,
        help="json or yaml (default: by the name of the file, else json).",
    )


def _checked(backend: Backend, records: dict[str, Any], update: bool) -> list[Change]:
    """Return what is to be done, or raise CommandError with all that is wrong."""
    read = {
        name: from_record(name, record, backend.alias)
        for name, record in records.items()
    }
    wished = [schedule for schedule, _ in read.values()]
    changes = find_changes(backend.database, wished, update=update)
    now = vendor_of(backend.connection).now()
    wrong = [
        f"{change.schedule.name}: {text}"
        for change in changes
        for text in _wrong(change, read[change.schedule.name][1], now)
    ]
    if wrong:
        raise CommandError("\n".join([*wrong, "Nothing was written."]))
    return changes


def _wrong(change: Change, unread: Problems, now: datetime) -> Iterator[str]:
    found = by_key(problems_of(change, now))
    # Without a kind, nothing can be said of the timing.
    yield from spelled(unread if "kind" in unread else {**found, **unread})
    if unread or found:
        return
    if change.action == "declared":
        yield "A schedule of this name is declared in code or settings."
    elif change.action == "keep":
        yield f"It is here and differs in {_fields(change)}: see --update."


def _fields(change: Change) -> str:
    return ", ".join(WORDS[name] for name in change.differs)


def _tell(console: Console, changes: list[Change], dry_run: bool) -> None:
    words = {"create": "created", "update": "updated", "unchanged": "as it was"}
    for change in changes:
        fields = f" ({_fields(change)})" if change.differs else ""
        console.line(f"{change.schedule.name}: {words[change.action]}{fields}")
    number = sum(change.writes for change in changes)
    count = "1 schedule" if number == 1 else f"{number} schedules"
    if dry_run:
        console.line(f"{count} would be written.")
    else:
        console.line(f"Wrote {count}.")
