"""What becomes of an entry of Celery, and by which rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ... import registry
from ...exceptions import UnknownTask
from ...models import Schedule
from .entries import Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What the options of the command say.

    ``tasks`` are the paths that are known here, ``renamed`` those of Celery's that
    are called otherwise now, and so the queues, whose new name may be "" for the
    task's own. ``low_first``: a broker to which 0 is the most urgent, as Redis.
    """

    backend: str
    now: datetime
    # The zone that Celery works in.
    zone: str
    tasks: frozenset[str]
    # OPTIONS["TASK_MODULES"].
    modules: tuple[str, ...] = ()
    renamed: Mapping[str, str] = field(default_factory=dict)
    queues: Mapping[str, str] = field(default_factory=dict)
    prefix: str = ""
    low_first: bool = False
    # How late a crontab may run, if Celery was told so.
    grace: timedelta | None = None


@dataclass(slots=True)
class Conversion:
    """The schedule that an entry becomes, unless it is refused for some reasons."""

    entry: Entry
    schedule: Schedule
    refusals: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    lacks_task: bool = False


def is_task(path: str, modules: tuple[str, ...]) -> bool:
    """Whether a path names a task; its module is imported if it may hold any."""
    try:
        registry.resolve(path, modules)
    except UnknownTask:
        return False
    return True
