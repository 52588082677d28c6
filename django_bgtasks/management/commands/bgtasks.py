from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error as DatabaseError

from ...payload import printable
from ...vendors import without_row
from ..console import Console
from ..verbs.base import Verb
from ..verbs.celery_beat import ImportCeleryBeatVerb
from ..verbs.grants import GrantsVerb
from ..verbs.groups import SchedulesVerb, add_verbs
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
    SchedulesVerb,
    GrantsVerb,
    ImportCeleryBeatVerb,
)


class Command(BaseCommand):
    help = "Look after background tasks."
    # A health probe must be quick, and the worker runs the checks that concern it.
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        add_verbs(parser, VERBS, dest="verb")

    def handle(self, *args: Any, **options: Any) -> None:
        _check_texts(options)
        try:
            options["run"](Console(self), options)
        except DatabaseError as error:
            told = str(without_row(error)).strip()
            raise CommandError(
                f"The database does not answer as it should: {told}\n"
                f"Is it running, and has 'manage.py migrate' been run?"
            ) from error


def _check_texts(options: dict[str, Any]) -> None:
    """Raise CommandError for bytes of a shell that are no text."""
    for value in options.values():
        for text in value if isinstance(value, (list, tuple)) else [value]:
            if isinstance(text, str) and (spelled := printable(text)) != text:
                raise CommandError(f"{spelled} is no text in UTF-8.")
