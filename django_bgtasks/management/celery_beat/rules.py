"""From options, and what a project's settings say of Celery, to rules."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import timedelta
from difflib import get_close_matches
from typing import Any

from django.conf import settings

from ... import registry
from ...conf import duration
from ...periodic.zones import zone_named
from ...vendors import vendor_of
from .conversion import Rules, is_task

_LOW_FIRST = ("redis:", "rediss:", "sentinel:", "redis+socket:")


def rules_of(backend: Any, options: dict[str, Any]) -> Rules:
    """Return what the options and the settings mean. Raise LookupError for bad ones."""
    modules = backend.settings.task_modules
    registry.discover(modules)
    tasks = frozenset(path for path, _ in registry.declared())
    renamed = _pairs("--map", options["map"])
    for path in renamed.values():
        if not is_task(path, modules):
            raise LookupError(f"--map: there is no task {path!r}.{near(path, tasks)}")
    zone = options["timezone"] or getattr(settings, "CELERY_TIMEZONE", None) or "UTC"
    try:
        zone_named(str(zone))
    except ValueError as error:
        source = "--timezone" if options["timezone"] else "CELERY_TIMEZONE"
        raise LookupError(f"{source}: {error}") from error
    return Rules(
        backend=backend.alias,
        now=vendor_of(backend.connection).now(),
        zone=str(zone),
        tasks=tasks,
        modules=modules,
        renamed=renamed,
        queues=_pairs("--map-queue", options["map_queue"], may_be_empty=True),
        prefix=options["prefix"],
        low_first=_low_first(options["priorities"]),
        grace=_deadline(),
    )


def near(name: str, known: Iterable[str]) -> str:
    """Return the question whether the nearest known name was meant, or nothing."""
    found = get_close_matches(name, list(known), 1)
    return f" Did you mean {found[0]!r}?" if found else ""


def require_used(rules: Rules, tasks: Collection[str], queues: Collection[str]) -> None:
    """Raise LookupError for a name that is mapped and does not occur."""
    for option, what, mapped, there in (
        ("--map", "task", rules.renamed, tasks),
        ("--map-queue", "queue", rules.queues, queues),
    ):
        for name in mapped:
            if name not in there:
                raise LookupError(
                    f"{option}: no periodic task of Celery has the {what} {name!r}."
                    f"{near(name, there)}"
                )


def _pairs(
    option: str, texts: Iterable[str | list[str]], *, may_be_empty: bool = False
) -> dict[str, str]:
    found: dict[str, str] = {}
    for given in texts:
        # Of "--map=--" argparse makes an empty list, until Python 3.12.
        text = given if isinstance(given, str) else " ".join(given)
        old, equals, new = (part.strip() for part in text.partition("="))
        if not (old and equals and (new or may_be_empty)):
            raise LookupError(f"{option} {text}: write OLD=NEW.")
        if found.setdefault(old, new) != new:
            raise LookupError(f"{option}: {old!r} is given twice.")
    return found


def _low_first(chosen: str | None) -> bool:
    if chosen is not None:
        return chosen == "low-first"
    broker = str(getattr(settings, "CELERY_BROKER_URL", "") or "")
    return broker.startswith(_LOW_FIRST)


def _deadline() -> timedelta | None:
    """Return how late Celery may run a crontab, where the settings say so."""
    try:
        return duration(getattr(settings, "CELERY_BEAT_CRON_STARTING_DEADLINE", None))
    except ValueError:
        return None
