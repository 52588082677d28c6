from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.core.management.base import CommandParser

from ...overview.counts import Count, bounded
from ...upkeep import prune
from ...vendors import vendor_of
from ..console import Console, jobs, length
from .base import Verb, add_backend, add_no_input, find_backend, span, whole


class PruneVerb(Verb):
    name = "prune"
    help = (
        "Delete finished jobs whose retention has passed, as workers do by "
        "themselves; or, with --older-than, all that finished so long ago."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        add_backend(parser)
        add = parser.add_argument
        add(
            "--older-than",
            type=span,
            metavar="LENGTH",
            help="Whatever their retention, such as 12h or 30d.",
        )
        add("--limit", type=whole(1), metavar="N", help="Jobs to delete at most.")
        add("--dry-run", action="store_true", help="Only say how many there are.")
        add_no_input(parser)

    def run(self, console: Console, options: dict[str, Any]) -> None:
        connection = find_backend(options).connection
        now = vendor_of(connection).now()
        age = options["older_than"]
        if age is None:
            rows = prune.finished_due(connection.alias, now)
            step = due_step(connection, now)
        else:
            rows = prune.finished_before(connection.alias, now - age)
            step = older_step(connection, now - age)
        number = bounded(rows)
        limit = options["limit"]
        if limit is not None and limit <= number.number:
            number = Count(limit)
        if options["dry_run"]:
            console.line(f"{jobs(number)} would be deleted.")
            return
        if age is not None and number.number and options["interactive"]:
            console.confirm(f"Delete {jobs(number)}, older than {length(age)}?")
        console.line(f"Deleted {jobs(_prune(console, step, number, limit))}.")


def _prune(
    console: Console, step: Callable[[int], int], number: Count, limit: int | None
) -> int:
    done = 0
    with console.progress("Prune", number) as advance:
        while limit is None or done < limit:
            left = prune.BATCH if limit is None else min(prune.BATCH, limit - done)
            deleted = step(left)
            if not deleted:
                break
            done += deleted
            advance(deleted)
    return done


def due_step(connection: Any, now: datetime) -> Callable[[int], int]:
    return lambda limit: prune.prune(connection, limit, now)


def older_step(connection: Any, before: datetime) -> Callable[[int], int]:
    last = None

    def step(limit: int) -> int:
        nonlocal last
        ids = prune.prune_older(connection, before, last, limit)
        last = ids[-1] if ids else last
        return len(ids)

    return step
