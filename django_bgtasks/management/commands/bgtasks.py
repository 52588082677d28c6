from __future__ import annotations

from argparse import SUPPRESS
from typing import Any

from django.core.management.base import (
    BaseCommand,
    CommandError,
    CommandParser,
    DjangoHelpFormatter,
)
from django.db import Error as DatabaseError

from ..console import Console
from ..verbs.base import Verb
from ..verbs.listing import ListVerb, ShowVerb
from ..verbs.mass import CancelVerb, RetryVerb
from ..verbs.prune import PruneVerb
from ..verbs.queues import PauseVerb, ResumeVerb
from ..verbs.status import StatusVerb
from ..verbs.worker import WorkerVerb

VERBS: tuple[type[Verb], ...] = (
    StatusVerb,
    ListVerb,
    ShowVerb,
    RetryVerb,
    CancelVerb,
    PauseVerb,
    ResumeVerb,
    PruneVerb,
    WorkerVerb,
)


class Command(BaseCommand):
    help = "Look after background tasks."
    # A health probe must be quick, and the worker runs the checks that concern it.
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", metavar="verb", required=True)
        for verb in VERBS:
            own: Any = verbs.add_parser(
                verb.name,
                help=verb.help,
                description=verb.help,
                formatter_class=DjangoHelpFormatter,
                parents=[_common_options()],
            )
            verb().add_arguments(own)
            own.set_defaults(run=verb().run)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            options["run"](Console(self), options)
        except DatabaseError as error:
            raise CommandError(
                f"The database does not answer as it should: {str(error).strip()}\n"
                f"Is it running, and has 'manage.py migrate' been run?"
            ) from error


def _common_options() -> CommandParser:
    """Return Django's own options, to be understood after the verb as well."""
    parser = BaseCommand().create_parser("", "", add_help=False)
    for action in parser._actions:
        # What was given before the verb is not to be overwritten by a default.
        action.default = SUPPRESS
        if action.dest in ("version", "skip_checks"):
            action.help = SUPPRESS
    return parser
