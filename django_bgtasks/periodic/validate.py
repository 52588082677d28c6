"""What is wrong with a schedule, by field, before anything is written.

The one place that says so: to the form of the admin, to commands and imports, and to
declarations in code and in settings.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from difflib import get_close_matches
from typing import Any

from .. import payload, registry
from ..compat import InvalidTaskBackend, task_backends
from ..conf import Options
from ..exceptions import InvalidArguments, UnknownTask
from .arguments import misfits
from .timing_problems import find_timing_problems
from .wording import _

Found = Iterator[tuple[str, str]]

# As the columns of the table are; None is of any length.
_TEXTS: dict[str, int | None] = {
    "name": 200,
    "description": None,
    "backend": 64,
    "task_path": 255,
    "queue_name": 128,
    "crontab": 255,
    "timezone": 64,
    "solar_event": 24,
}
_CHOICES = {
    "missed": ("skip", "run_once", "run_all"),
    "overlap": ("allow", "skip", "queue_one"),
}
_LONGEST = timedelta(days=36525)


def problems(
    schedule: Any, *, now: datetime | None = None, task: Any = None
) -> dict[str, list[str]]:
    """Return what is wrong with a Schedule or a declaration, by the field at fault.

    Empty for one that is right. With ``now``, an aware moment, a one-off or an end
    before it is wrong too: give it for schedules that are new, not for those that
    are there. ``task`` is the task that ``task_path`` names, where it is at hand.
    Nothing is asked of the database; the task's module may be imported.
    """
    return _by_field(_all(schedule, now, task))


def timing_problems(row: Any, *, now: datetime | None = None) -> dict[str, list[str]]:
    """Return what is wrong with the timing alone, as ``problems`` does."""
    return _by_field(find_timing_problems(row, now))


def _by_field(found: Found) -> dict[str, list[str]]:
    result: dict[str, list[str]] = {}
    for field, message in found:
        result.setdefault(field, []).append(message)
    return result


def _all(schedule: Any, now: datetime | None, task: Any) -> Found:
    yield from _texts(schedule)
    yield from find_timing_problems(schedule, now)
    yield from _policies(schedule)
    backend = _backend(schedule)
    settings = getattr(backend, "settings", None)
    ours = settings if isinstance(settings, Options) else None
    settings = ours or Options()
    if task is None and schedule.task_path:
        try:
            task = registry.resolve(str(schedule.task_path), settings.task_modules)
        except UnknownTask as error:
            yield "task_path", _no_task(str(schedule.task_path), error)
    if ours is None:
        yield "backend", _no_backend(schedule.backend, backend)
    yield from _queue(schedule, task, backend)
    yield from _arguments(schedule, task, settings.max_payload)


def _texts(schedule: Any) -> Found:
    if not str(schedule.name or "").strip():
        yield "name", _("Give the schedule a name.")
    if not schedule.task_path:
        yield "task_path", _("Choose the task to run.")
    for field, most in _TEXTS.items():
        value = getattr(schedule, field)
        if not isinstance(value, str):
            yield field, _("Give text, not %(value)r.") % {"value": value}
        elif most is not None and len(value) > most:
            yield field, _("Use %(most)d characters at most.") % {"most": most}
        elif "\0" in value:
            yield field, _("Leave out the NUL character, which databases refuse.")
    if not isinstance(schedule.enabled, bool):
        yield "enabled", _("Give true or false.")


def _policies(schedule: Any) -> Found:
    for field, known in _CHOICES.items():
        if (value := str(getattr(schedule, field))) not in known:
            yield (
                field,
                _("“%(value)s” is none of the choices, which are: %(choices)s.")
                % {"value": value, "choices": ", ".join(known)},
            )
    for field in ("expires", "grace", "jitter"):
        length = getattr(schedule, field)
        if length is None:
            continue
        if not isinstance(length, timedelta):
            yield field, _("Give a length of time, such as 00:05:00.")
        elif length < timedelta() or (not length and field != "jitter"):
            yield (
                field,
                _("Give a length of time of more than zero, or leave this empty."),
            )
        elif length > _LONGEST:
            yield field, _("Give a length of time of a century at most.")
    priority = schedule.priority
    if priority is not None and (
        type(priority) is not int or not -100 <= priority <= 100
    ):
        yield (
            "priority",
            _("Give a whole number from -100 to 100, or leave this empty."),
        )


def _backend(schedule: Any) -> Any:
    try:
        return task_backends[str(schedule.backend or "")]
    except InvalidTaskBackend:
        return None


def _no_backend(alias: str, backend: Any) -> str:
    ours = [
        each
        for each in task_backends.settings
        if isinstance(getattr(task_backends[each], "settings", None), Options)
    ]
    if backend is None:
        text = _("TASKS has no backend “%(alias)s”. Choose one of: %(aliases)s.")
    else:
        text = _(
            "Beats do not serve the backend “%(alias)s”, which is of another package. "
            "Choose one of: %(aliases)s."
        )
    return text % {"alias": alias, "aliases": ", ".join(ours) or "—"}


def _queue(schedule: Any, task: Any, backend: Any) -> Found:
    # The task's own may be one of another backend.
    queue = schedule.queue_name or getattr(task, "queue_name", "")
    queues = getattr(backend, "queues", ())
    if isinstance(queue, str) and queue and queues and queue not in queues:
        text = _(
            "The backend “%(alias)s” has no queue “%(queue)s”. Choose one of "
            "%(queues)s, or add it to QUEUES in the settings."
        )
        yield (
            "queue_name",
            text
            % {
                "alias": schedule.backend,
                "queue": queue,
                "queues": ", ".join(sorted(queues)),
            },
        )


def _no_task(path: str, error: UnknownTask) -> str:
    known = [name for name, _task in registry.declared()]
    near = get_close_matches(path, known, 1)
    hint = _("Did you mean “%(near)s”?") % {"near": near[0]} if near else ""
    return f"{error} {hint}".strip()


def _arguments(schedule: Any, task: Any, limit: int) -> Found:
    whole = True
    for field, kind, text in (
        ("args", list, _('Give a list, such as [1, "two"], or [] for none.')),
        ("kwargs", dict, _('Give an object, such as {"key": 1}, or {} for none.')),
        (
            "metadata",
            dict,
            _('Give an object, such as {"key": 1}, or leave this empty.'),
        ),
    ):
        value = getattr(schedule, field)
        if value is None and field == "metadata":
            continue
        if field == "args" and isinstance(value, tuple):
            value = list(value)
        if not isinstance(value, kind):
            yield field, text
            whole = False
            continue
        try:
            payload.dump(payload.normalize(value, field), field, limit)
        except InvalidArguments as error:
            yield field, str(error)
            whole = False
    if task is not None and whole:
        yield from misfits(task, schedule.args, schedule.kwargs)
