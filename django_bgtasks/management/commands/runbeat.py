from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from ...processes.config import BeatConfig
from ..worker_options import check_name, find_backend, from_environment


class Command(BaseCommand):
    help = "Enqueue what schedules want, until stopped. Any number may run."
    # The beat runs the checks that concern it.
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        add = parser.add_argument
        add("--backend", default="default", help="Alias in TASKS (default: default).")
        add("--burst", action="store_true", help="Enqueue what is due now, and end.")
        add("--name", default="", help="Name in place of the host's.")
        names = BeatConfig.__dataclass_fields__
        parser.set_defaults(**from_environment(parser, names))

    def handle(self, **options: Any) -> None:
        from ... import registry
        from ...checks import worker_problems
        from ...processes.console import log_to_console
        from ...processes.stations import run_alone

        backend = find_backend(options["backend"])
        check_name(options["name"])
        problems = worker_problems(backend)
        if problems:
            raise CommandError("\n".join(str(problem) for problem in problems))
        names = BeatConfig.__dataclass_fields__
        config = BeatConfig(**{name: options[name] for name in names})
        log_to_console(config.verbosity)
        registry.discover(backend.settings.task_modules)
        sys.exit(run_alone(config))
