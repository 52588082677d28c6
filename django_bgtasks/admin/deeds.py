"""What people do to a schedule beside editing it. What cannot be done is refused."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.db import Error, transaction
from django.template.defaultfilters import truncatechars
from django.utils.translation import gettext as _

from ..compat import InvalidTask, InvalidTaskBackend, task_backends
from ..exceptions import InvalidArguments, UnknownTask
from ..models import Schedule
from ..periodic.declare import declarations
from ..periodic.run_now import run_now
from ..results import public
from .base import database, database_backends
from .schedule_form import MOMENTS, TIMING, label, obstacles

_NAME_LENGTH = 200
# What a copy does not take over: it is a schedule by hand.
_OF_THE_ROW = (
    *("id", "name", "enabled", "origin", "timing_editable", "timing_edited"),
    *("undeclared_at", "was_enabled"),
)
# What a row that was written by hand may hold.
_NOT_TO_BE_SAVED = (Error, TypeError, ValueError, ValidationError)
_REFUSALS = (InvalidTask, InvalidTaskBackend, InvalidArguments, UnknownTask)


class Refusal(Exception):
    """Why something cannot be done to a schedule, in words."""


def enable(schedule: Any) -> None:
    """Enable a schedule, or raise Refusal naming all that is wrong with it."""
    if found := obstacles(schedule):
        raise Refusal(
            " ".join(f"{label(name)}: {' '.join(each)}" for name, each in found.items())
        )
    _update(schedule, enabled=True)


def disable(schedule: Any) -> None:
    """Disable a schedule, whatever is wrong with it."""
    _update(schedule, enabled=False)


def run(schedule: Any) -> UUID:
    """Enqueue a job of a schedule at once and return its id, or raise Refusal."""
    try:
        return run_now(task_backends[schedule.backend], schedule)
    except (*_REFUSALS, TypeError, ValueError) as error:
        raise Refusal(str(error)) from error


def duplicate(schedule: Any) -> Schedule:
    """Return a disabled copy of a schedule, saved under another name."""
    values = {
        field.attname: getattr(schedule, field.attname)
        for field in Schedule._meta.local_concrete_fields
        if field.name not in _OF_THE_ROW
    }
    copy = Schedule(**values, name=_free_name(schedule.name), enabled=False)
    try:
        with transaction.atomic(using=database()):
            copy.save(using=database(), force_insert=True)
    except (InvalidArguments, *_NOT_TO_BE_SAVED) as error:
        raise Refusal(str(error)) from error
    return copy


def restore(schedule: Any) -> None:
    """Give a declared schedule its declared timing back, or raise Refusal."""
    declaration = _declaration_of(schedule)
    if declaration is None:
        raise Refusal(_("Neither the code nor the settings declare it."))
    timing = {name: getattr(declaration, name) for name in TIMING}
    for name in MOMENTS:
        timing[name] = public(timing[name])
    _update(schedule, timing_edited=False, **timing)


def _declaration_of(schedule: Any) -> Any:
    backend = database_backends().get(schedule.backend)
    if backend is None or not schedule.is_declared:
        return None
    try:
        found = declarations(backend)
    except ImproperlyConfigured as error:
        raise Refusal(str(error)) from error
    return next((each for each in found if each.name == schedule.name), None)


def _update(schedule: Any, **values: Any) -> None:
    """Write these fields and no others, which somebody else may be changing."""
    rows = Schedule.objects.using(database()).filter(pk=schedule.pk)
    if not rows.update(**values):
        raise Refusal(_("It was deleted meanwhile."))
    for name, value in values.items():
        setattr(schedule, name, value)


def _free_name(name: str) -> str:
    rows = Schedule.objects.using(database())
    ending, number = f" ({_('copy')})", 1
    while True:
        found = truncatechars(name, _NAME_LENGTH - len(ending)) + ending
        if not rows.filter(name=found).exists():
            return found
        number += 1
        ending = f" ({_('copy')} {number})"
