from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import timedelta
from difflib import get_close_matches
from typing import Any
from uuid import UUID

from django.core.management.base import CommandError, CommandParser

from ... import registry
from ...conf import duration
from ...overview.jobs import Choice
from ...overview.queues import known_queues
from ...vendors import vendor_of
from .. import worker_options
from ..console import Console

Backend = Any


class Verb:
    """One verb: its options, and what it calls."""

    name: str
    help: str

    def add_arguments(self, parser: CommandParser) -> None:
        add_backend(parser)

    def run(self, console: Console, options: dict[str, Any]) -> None:
        raise NotImplementedError


def add_backend(parser: CommandParser) -> None:
    parser.add_argument(
        "--backend", default="default", help="Alias in TASKS (default: default)."
    )


def add_format(parser: CommandParser) -> None:
    parser.add_argument(
        "--format",
        choices=("text", "json"),
        default="text",
        help="Columns for people, or JSON for machines (default: text).",
    )


def add_no_input(parser: CommandParser) -> None:
    parser.add_argument(
        "--no-input",
        "--noinput",
        action="store_false",
        dest="interactive",
        help="Go ahead without asking.",
    )


def add_choice(parser: CommandParser, states: tuple[str, ...], default: str) -> None:
    """Add --state, --queue and --task."""
    parser.add_argument(
        "--state",
        action="append",
        choices=states,
        dest="states",
        metavar="STATE",
        help=f"One of {', '.join(states)}; may be repeated (default: {default}).",
    )
    parser.add_argument("--queue", help="Jobs of this queue only.")
    parser.add_argument("--task", metavar="PATH", help="Jobs of this task only.")


def whole(least: int, most: int = 10**9) -> Callable[[str], int]:
    """Return a reader of whole numbers."""

    def read(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = least - 1
        if number < least:
            raise argparse.ArgumentTypeError(
                f"{text[:40]!r} is no whole number of {least} or more"
            )
        if number > most:
            raise argparse.ArgumentTypeError(f"{text[:40]!r} is more than {most}")
        return number

    return read


def span(text: str) -> timedelta:
    """Read a length of time such as 90, 30s, 5m, 2h or 7d."""
    try:
        return duration(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def find_backend(options: dict[str, Any]) -> Backend:
    """Return the backend that --backend names. Raise CommandError."""
    return worker_options.find_backend(options["backend"])


def job_id(text: str) -> UUID:
    """Read the id of a job. Raise CommandError."""
    try:
        return UUID(text)
    except ValueError:
        raise CommandError(
            f"{text!r} is no job id: those are UUIDs, as 'bgtasks list' shows them."
        ) from None


def chosen(options: dict[str, Any], states: tuple[str, ...] = ()) -> Choice:
    """Return the jobs that the options mean; ``states`` if they name none.

    Raise CommandError for a queue or a task that has no name there can be.
    """
    if options["queue"] is not None:
        require_name(options["queue"], "queue", "--queue")
    if options["task"] is not None:
        require_name(options["task"], "task", "--task")
    return Choice(
        states=tuple(options["states"] or states),
        queue=options["queue"],
        task=options["task"],
    )


def refuse_unknown(backend: Backend, choice: Choice) -> None:
    """Raise CommandError if nothing was found for a queue or task that is none.

    Only then: jobs may be left of what the settings do not name any more.
    """
    if choice.queue is not None:
        require_queue(backend, choice.queue)
    if choice.task is not None:
        registry.discover(backend.settings.task_modules)
        known = {path for path, _ in registry.declared()}
        if choice.task not in known:
            raise CommandError(
                f"There is no task {choice.task!r}.{_near(choice.task, known)}"
            )


# As long as the columns are.
_LONGEST = {"queue": 128, "task": 255}


def require_name(name: str, kind: str, what: str) -> None:
    """Raise CommandError for what no queue or task can be called."""
    if not name:
        raise CommandError(f"{what} is empty.")
    if len(name) > _LONGEST[kind]:
        raise CommandError(
            f"{what} has {len(name)} characters, and {_LONGEST[kind]} at most: "
            f"{name[:40]!r}..."
        )


def require_queue(backend: Backend, name: str) -> None:
    """Raise CommandError for a queue that is neither configured nor in use."""
    require_name(name, "queue", "The name of a queue")
    if not backend.queues:
        # Without QUEUES every name is one.
        return
    known = known_queues(vendor_of(backend.connection), backend.queues)
    if name not in known:
        raise CommandError(
            f"There is no queue {name!r}.{_near(name, known)} "
            f"TASKS[{backend.alias!r}]['QUEUES'] has: "
            f"{', '.join(sorted(backend.queues))}."
        )


def _near(name: str, known: set[str]) -> str:
    near = get_close_matches(name, known, 1)
    return f" Did you mean {near[0]!r}?" if near else ""
