"""Import from django-celery-beat: options, and what is shown of the outcome."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandError, CommandParser

from ...periodic.timings import words
from ..celery_beat.imports import Imported, Source, import_entries, read_entries
from ..celery_beat.rules import rules_of
from ..console import Console
from ..schedules.changes import NameTaken
from .base import Verb, add_backend, add_format, find_backend

_SUMMARY = {
    "create": "to be created",
    "update": "to be updated",
    "keep": "kept as they are here",
    "unchanged": "here already",
    "leave out": "left out",
}


class ImportCeleryBeatVerb(Verb):
    name = "import-celery-beat"
    help = (
        "Show what becomes of the periodic tasks of django-celery-beat, or of a "
        "beat_schedule, and with --write make schedules of them."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        add_backend(parser)
        _add_source(parser)
        _add_rules(parser)
        add = parser.add_argument
        mode = parser.add_mutually_exclusive_group()
        mode.add_argument(
            "--dry-run",
            action="store_true",
            help="Only show what would be written, and what will differ (default).",
        )
        mode.add_argument("--write", action="store_true", help="Write the schedules.")
        add(
            "--update",
            action="store_true",
            help="Overwrite schedules that were imported before and differ now.",
        )
        add_format(parser)

    def run(self, console: Console, options: dict[str, Any]) -> None:
        backend = find_backend(options)
        database = options["database"]
        if database is None and options["beat_schedule"] is None:
            database = backend.database
        source = Source(database, options["beat_schedule"], options["timezone"])
        try:
            rules = rules_of(backend, options)
            entries = read_entries(source, rules, options["only"])
            imported = import_entries(
                backend.database, entries, rules, options["write"], options["update"]
            )
        except LookupError as error:
            raise CommandError(str(error.args[0])) from error
        except NameTaken as error:
            raise CommandError(f"{error} See --prefix. Nothing was written.") from error
        if options["format"] == "json":
            console.json([_as_data(each) for each in imported])
        else:
            _show(console, imported, options["write"])


def _add_source(parser: CommandParser) -> None:
    add = parser.add_argument
    add(
        "--database",
        metavar="ALIAS",
        help="Alias in DATABASES of django-celery-beat's tables (default: the "
        "backend's database).",
    )
    add(
        "--beat-schedule",
        metavar="PATH",
        help="Dotted path of a beat_schedule or of a Celery app, such as "
        "django.conf.settings.CELERY_BEAT_SCHEDULE; instead of the tables, or with "
        "--database as well as them.",
    )
    add(
        "--only",
        action="append",
        metavar="NAME",
        help="Only the periodic task of this name; may be repeated.",
    )


def _add_rules(parser: CommandParser) -> None:
    add = parser.add_argument
    add(
        "--map",
        action="append",
        default=[],
        metavar="OLD=NEW",
        help="The path here of a task of Celery; may be repeated.",
    )
    add(
        "--map-queue",
        action="append",
        default=[],
        metavar="OLD=NEW",
        help="The queue here for one of Celery, or nothing for the task's own; may be "
        "repeated.",
    )
    add("--prefix", default="", help="What the names of the schedules begin with.")
    add(
        "--timezone",
        metavar="ZONE",
        help="The zone of crontabs without one (default: CELERY_TIMEZONE, else UTC).",
    )
    add(
        "--priorities",
        choices=("high-first", "low-first"),
        help="Whether the broker took high priorities first, as RabbitMQ, or low ones, "
        "as Redis (default: by CELERY_BROKER_URL, else high-first).",
    )


def _show(console: Console, imported: list[Imported], written: bool) -> None:
    if not imported:
        console.line("There is no periodic task.")
        return
    console.table(
        ["SCHEDULE", "ACTION", "ENABLED", "WHEN", "TASK"],
        [
            (each.name, each.action, "yes" if each.enabled else "no", _when(each), task)
            for each in imported
            for task in [each.conversion.schedule.task_path or each.entry.task]
        ],
    )
    for each in imported:
        if not (each.reasons or each.notes):
            continue
        console.line()
        console.heading(each.name)
        for text in each.reasons:
            console.line(f"  {each.action}: {text}")
        for text in each.notes:
            console.line(f"  differs: {text}")
    console.line()
    _conclude(console, imported, written)


def _conclude(console: Console, imported: list[Imported], written: bool) -> None:
    numbers = {
        action: sum(each.action == action for each in imported) for action in _SUMMARY
    }
    texts = [f"{n} {_SUMMARY[action]}" for action, n in numbers.items() if n]
    summary = ", ".join(texts)
    changes = numbers["create"] + numbers["update"]
    if not changes:
        console.line(f"Nothing to write: {summary}.")
    elif written:
        console.line(f"Written: {summary.replace('to be ', '')}.")
        console.line(
            "Celery's beat must not run any more, or it runs these tasks as well."
        )
    else:
        console.line(f"Nothing was written: {summary}. Pass --write to do it.")
        console.line("Stop Celery's beat before, so that nothing runs twice.")


def _when(imported: Imported) -> str:
    if imported.action == "leave out":
        return str(imported.entry.when)
    return words(imported.conversion.schedule)


def _as_data(imported: Imported) -> Mapping[str, Any]:
    schedule = imported.conversion.schedule
    return {
        "name": imported.name,
        "celery_name": imported.entry.name,
        "celery_task": imported.entry.task,
        "task": schedule.task_path,
        "action": imported.action,
        "enabled": imported.enabled,
        "when": _when(imported),
        "reasons": imported.reasons,
        "differs": imported.notes,
    }
