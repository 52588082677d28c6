"""Verbs that have verbs of their own."""

from __future__ import annotations

from argparse import SUPPRESS
from collections.abc import Sequence
from typing import Any

from django.core.management.base import (
    BaseCommand,
    CommandParser,
    DjangoHelpFormatter,
)

from .base import Verb
from .schedules import (
    DisableVerb,
    EnableVerb,
    ListSchedulesVerb,
    NextVerb,
    RunVerb,
)
from .schedules_files import ExportVerb, ImportVerb


def add_verbs(parser: CommandParser, verbs: Sequence[type[Verb]], dest: str) -> None:
    """Give a parser the verbs, each with a parser of its own that sets ``run``."""
    choices = parser.add_subparsers(dest=dest, metavar="verb", required=True)
    for verb in verbs:
        own: Any = choices.add_parser(
            verb.name,
            help=verb.help,
            description=verb.help,
            formatter_class=DjangoHelpFormatter,
            parents=[_common_options()],
        )
        verb().add_arguments(own)
        if not issubclass(verb, VerbGroup):
            own.set_defaults(run=verb().run)


class VerbGroup(Verb):
    """A verb that only says what the ones after it are about."""

    verbs: tuple[type[Verb], ...]

    def add_arguments(self, parser: CommandParser) -> None:
        add_verbs(parser, self.verbs, dest=f"verb of {self.name}")


class SchedulesVerb(VerbGroup):
    name = "schedules"
    help = "List, run, enable, disable, export and import schedules."
    verbs = (
        ListSchedulesVerb,
        NextVerb,
        RunVerb,
        EnableVerb,
        DisableVerb,
        ExportVerb,
        ImportVerb,
    )


def _common_options() -> CommandParser:
    """Return Django's own options, to be understood after the verb as well."""
    parser = BaseCommand().create_parser("", "", add_help=False)
    for action in parser._actions:
        # What was given before the verb is not to be overwritten by a default.
        action.default = SUPPRESS
        if action.dest in ("version", "skip_checks"):
            action.help = SUPPRESS
    return parser
