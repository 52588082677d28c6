from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from ...lifecycle import operate
from ...lifecycle.enqueue import wake_after_commit
from ...vendors import vendor_of
from ..console import Console
from .base import Verb, add_backend, find_backend, require_queue


class QueueVerb(Verb):
    """What is done to queues."""

    def add_arguments(self, parser: CommandParser) -> None:
        add_backend(parser)
        parser.add_argument("queues", nargs="+", metavar="queue", help="Its name.")

    def run(self, console: Console, options: dict[str, Any]) -> None:
        backend = find_backend(options)
        for name in options["queues"]:
            require_queue(backend, name)
        for name in options["queues"]:
            console.line(self.act(backend.connection, name))

    def act(self, connection: Any, name: str) -> str:
        raise NotImplementedError


class PauseVerb(QueueVerb):
    name = "pause"
    help = "Have no worker start jobs of a queue. Running ones run on."

    def act(self, connection: Any, name: str) -> str:
        operate.pause(connection, name)
        return f"Queue {name!r} is paused."


class ResumeVerb(QueueVerb):
    name = "resume"
    help = "Have workers start jobs of a queue again."

    def act(self, connection: Any, name: str) -> str:
        if not operate.resume(connection, name):
            return f"Queue {name!r} was not paused."
        wake_after_commit(vendor_of(connection))
        return f"Queue {name!r} is resumed."
