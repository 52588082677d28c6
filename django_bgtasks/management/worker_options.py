"""The options of ``runworker``: each is an environment variable too."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Collection
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from ..compat import task_backends
from ..conf import Options
from ..processes.config import WorkerConfig

_PREFIX = "BGTASKS_"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the worker's options to a command's parser."""
    add = parser.add_argument
    add("--backend", default="default", help="Alias in TASKS (default: default).")
    add(
        "--queues",
        type=_names,
        default=(),
        metavar="A,B",
        help="Queues to serve (default: all of the backend).",
    )
    add(
        "--exclude-queues",
        type=_names,
        default=(),
        metavar="A,B",
        help="Queues to leave to others.",
    )
    add("--processes", type=_whole(1), default=1, help="Worker processes (1).")
    add("--threads", type=_whole(1), default=4, help="Threads per process (4).")
    add(
        "--coroutines",
        type=_whole(0),
        default=100,
        help="Async tasks at once per process (100).",
    )
    _add_ends(parser)
    names = {*WorkerConfig.__dataclass_fields__, "reload"}
    parser.set_defaults(**from_environment(parser, names))


def _add_ends(parser: argparse.ArgumentParser) -> None:
    """Add what makes a worker, or one of its processes, end."""
    add = parser.add_argument
    add("--burst", action="store_true", help="End when no job is ready.")
    add("--beat", action="store_true", help="Enqueue what schedules want, too.")
    add("--max-jobs", type=_whole(1), help="Replace a process after so many jobs.")
    add(
        "--max-memory",
        type=_whole(1),
        metavar="MB",
        help="Replace a process that takes more memory.",
    )
    add(
        "--grace",
        type=_seconds,
        default=30.0,
        metavar="SECONDS",
        help="What running jobs get when the worker stops (30).",
    )
    add("--name", default="", help="Name in place of the host's.")
    add(
        "--reload",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="Restart when code changes (default: in DEBUG).",
    )


def config_from(options: dict[str, Any]) -> WorkerConfig:
    """Check the options against the settings. Raise CommandError."""
    alias = options["backend"]
    backend = find_backend(alias)
    for option in ("queues", "exclude_queues"):
        for name in options[option]:
            if backend.queues and name not in backend.queues:
                raise CommandError(
                    f"--{option.replace('_', '-')}: {name!r} is not in "
                    f"TASKS[{alias!r}]['QUEUES']: {', '.join(sorted(backend.queues))}."
                )
    check_name(options["name"])
    names = WorkerConfig.__dataclass_fields__
    return WorkerConfig(**{name: options[name] for name in names})


def find_backend(alias: str) -> Any:
    """Return the backend that --backend names. Raise CommandError."""
    try:
        backend: Any = task_backends[alias]
    except Exception as error:
        raise CommandError(f"--backend {alias}: {error}") from error
    if not isinstance(getattr(backend, "settings", None), Options):
        raise CommandError(
            f"--backend {alias}: TASKS[{alias!r}]['BACKEND'] is "
            f"{type(backend).__name__}, not django_bgtasks.backend.DatabaseBackend."
        )
    return backend


def check_name(name: str) -> None:
    """Raise CommandError for a --name that is too long."""
    if len(name) > 32:
        raise CommandError("--name: at most 32 characters.")


def run(options: dict[str, Any]) -> int:
    """Run a worker as the options say, and return its exit code."""
    from ..checks import worker_problems
    from ..processes.console import log_to_console
    from ..processes.supervisor import Supervisor

    config = config_from(options)
    problems = worker_problems(task_backends[config.backend])
    if problems:
        raise CommandError("\n".join(str(problem) for problem in problems))
    log_to_console(config.verbosity)
    reload = settings.DEBUG if options["reload"] is None else options["reload"]
    if reload and not config.burst:
        from ..processes.reloader import run_with_reloader

        return run_with_reloader(lambda: Supervisor(config))
    return Supervisor(config).run()


def from_environment(
    parser: argparse.ArgumentParser, names: Collection[str]
) -> dict[str, Any]:
    """Read BGTASKS_THREADS and its like; a flag on the command line wins."""
    found: dict[str, Any] = {}
    for action in parser._actions:
        flag = next((each for each in action.option_strings if "--" in each), "")
        variable = _PREFIX + flag.strip("-").replace("-", "_").upper()
        value = os.environ.get(variable)
        if value is None or action.dest not in names:
            continue
        try:
            found[action.dest] = _read(action, value)
        except (argparse.ArgumentTypeError, ValueError) as error:
            parser.error(f"{variable}={value!r}: {error}")
    return found


def _read(action: argparse.Action, value: str) -> Any:
    if action.nargs == 0:
        if value.lower() in ("1", "true", "yes", "on"):
            return True
        if value.lower() in ("0", "false", "no", "off", ""):
            return False
        raise ValueError("is neither true nor false")
    read: Any = action.type or str
    return read(value)


def _names(value: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in value.split(",") if name.strip())
    if not names:
        raise argparse.ArgumentTypeError("names no queue")
    return names


def _whole(least: int) -> Callable[[str], int]:
    def read(value: str) -> int:
        try:
            number = int(value)
        except ValueError:
            number = least - 1
        if number < least:
            raise argparse.ArgumentTypeError(
                f"{value!r} is no whole number of {least} or more"
            )
        return number

    return read


def _seconds(value: str) -> float:
    try:
        seconds = float(value)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= 86_400:
        raise argparse.ArgumentTypeError(
            f"{value!r} is no number of seconds from 0 to 86400"
        )
    return seconds
