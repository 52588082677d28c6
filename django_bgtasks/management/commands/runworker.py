from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from ..worker_options import add_arguments, run


class Command(BaseCommand):
    help = "Run background tasks until stopped."
    # The worker runs the checks that concern it.
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        add_arguments(parser)

    def handle(self, **options: Any) -> None:
        sys.exit(run(options))
