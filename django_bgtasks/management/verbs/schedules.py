"""``bgtasks schedules``: see them, run one, enable and disable them."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC
from typing import Any

from django.core.management.base import CommandError, CommandParser

from ...compat import InvalidTask
from ...exceptions import InvalidArguments, UnknownTask
from ...log import one_line
from ...models import Schedule
from ...periodic.run_now import run_now
from ...periodic.timings import words
from ...periodic.validate import problems
from ...periodic.zones import zone_named
from ...vendors import vendor_of
from ..console import Console, moment
from ..schedules.form import by_key, spelled
from ..schedules.reading import find, next_runs, read_lines
from .base import Backend, Verb, add_backend, add_format, find_backend, whole

# Each is worked out, some at a millisecond.
_MOST_RUNS = 10_000


class ScheduleVerb(Verb):
    """What is done to schedules that are named."""

    def add_arguments(self, parser: CommandParser) -> None:
        add_backend(parser)
        parser.add_argument("names", nargs="+", metavar="name", help="Its name.")

    def run(self, console: Console, options: dict[str, Any]) -> None:
        backend = find_backend(options)
        self.act(console, backend, find_named(backend, options["names"]))

    def act(self, console: Console, backend: Backend, rows: list[Schedule]) -> None:
        raise NotImplementedError


class ListSchedulesVerb(Verb):
    name = "list"
    help = "List schedules: when they run, and what became of the last job."

    def add_arguments(self, parser: CommandParser) -> None:
        add_backend(parser)
        add_format(parser)

    def run(self, console: Console, options: dict[str, Any]) -> None:
        backend = find_backend(options)
        found = read_lines(backend.database, vendor_of(backend.connection).now())
        if options["format"] == "json":
            console.json([asdict(line) for line in found])
            return
        headers = ["NAME", "WHEN", "ZONE", "NEXT RUN", "LAST RUN", "LAST JOB"]
        console.table(
            [*headers, "ORIGIN", "ENABLED"],
            [
                (line.name, when, line.timezone, *moments, line.origin, enabled)
                for line in found
                for when in [line.words.removesuffix(f" ({line.timezone})")]
                for moments in [
                    (moment(line.next_run), moment(line.last_run), line.last_job_state)
                ]
                for enabled in ["yes" if line.enabled else "no"]
            ],
        )
        for line in found:
            if line.problem:
                console.line(f"{one_line(line.name)}: {one_line(line.problem)}")


class NextVerb(Verb):
    name = "next"
    help = "Show the next runs of a schedule, in its own zone."

    def add_arguments(self, parser: CommandParser) -> None:
        add_backend(parser)
        parser.add_argument("name", help="Its name.")
        parser.add_argument(
            "--count",
            type=whole(1, _MOST_RUNS),
            default=5,
            help="Runs to show (default: 5).",
        )
        add_format(parser)

    def run(self, console: Console, options: dict[str, Any]) -> None:
        backend = find_backend(options)
        (row,) = find_named(backend, [options["name"]])
        now = vendor_of(backend.connection).now()
        try:
            zone = zone_named(row.timezone)
            runs = next_runs(row, now, options["count"])
        except (ValueError, ImportError) as error:
            raise CommandError(f"Schedule {row.name!r}: {error}") from error
        if options["format"] == "json":
            console.json([each.astimezone(zone) for each in runs])
            return
        enabled = "" if row.enabled else " It is disabled: these are what would be."
        console.line(f"{one_line(row.name)}: {one_line(words(row))}.{enabled}")
        if not runs:
            console.line("It is not due any more.")
            return
        console.table(
            ["DAY", f"TIME IN {row.timezone.upper()}", "UTC"],
            [
                (
                    f"{local:%a}",
                    f"{local:%Y-%m-%d %H:%M:%S %Z}",
                    f"{utc:%m-%d %H:%M:%S}",
                )
                for local, utc in (
                    (r.astimezone(zone), r.astimezone(UTC)) for r in runs
                )
            ],
        )


class RunVerb(Verb):
    name = "run"
    help = "Enqueue a job of a schedule now. Its next run stays as planned."

    def add_arguments(self, parser: CommandParser) -> None:
        add_backend(parser)
        parser.add_argument("name", help="Its name.")

    def run(self, console: Console, options: dict[str, Any]) -> None:
        backend = find_backend(options)
        (row,) = find_named(backend, [options["name"]])
        if row.backend != backend.alias:
            backend = find_backend({"backend": row.backend})
        try:
            job = run_now(backend, row)
        except (UnknownTask, InvalidTask, InvalidArguments) as error:
            raise CommandError(f"Schedule {row.name!r}: {error}") from error
        console.line(f"Enqueued job {job} of schedule {row.name!r}.")


class EnableVerb(ScheduleVerb):
    name = "enable"
    help = "Enable schedules. What was due before is not made up for."

    def act(self, console: Console, backend: Backend, rows: list[Schedule]) -> None:
        now = vendor_of(backend.connection).now()
        wrong = [
            f"Schedule {row.name!r}: {text}"
            for row in rows
            if not row.enabled
            for text in spelled(by_key(problems(row, now=now)))
        ]
        if wrong:
            raise CommandError("\n".join([*wrong, "Nothing was done."]))
        switch(console, backend, rows, enabled=True)


class DisableVerb(ScheduleVerb):
    name = "disable"
    help = "Disable schedules. Their jobs that are there already still run."

    def act(self, console: Console, backend: Backend, rows: list[Schedule]) -> None:
        switch(console, backend, rows, enabled=False)


def switch(
    console: Console, backend: Backend, rows: list[Schedule], *, enabled: bool
) -> None:
    changed = [row.pk for row in rows if row.enabled != enabled]
    Schedule.objects.using(backend.database).filter(pk__in=changed).update(
        enabled=enabled
    )
    word = "enabled" if enabled else "disabled"
    for row in rows:
        state = f"is {word}" if row.pk in changed else f"was {word} already"
        console.line(f"Schedule {row.name!r} {state}.")


def find_named(backend: Backend, names: list[str]) -> list[Schedule]:
    """Return the schedules of these names. Raise CommandError for unknown ones."""
    try:
        return find(backend.database, names)
    except LookupError as error:
        raise CommandError(str(error.args[0])) from None
