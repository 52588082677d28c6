from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import CommandParser

from .. import worker_options
from ..console import Console
from .base import Verb


class WorkerVerb(Verb):
    name = "worker"
    help = "Run background tasks until stopped: the same as runworker."

    def add_arguments(self, parser: CommandParser) -> None:
        worker_options.add_arguments(parser)

    def run(self, console: Console, options: dict[str, Any]) -> None:
        sys.exit(worker_options.run(options))
