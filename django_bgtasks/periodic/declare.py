"""Schedules in code and in settings: ``@periodic`` and OPTIONS["SCHEDULES"].

Imported with the package itself, so it imports nothing here that needs settings,
models or a database.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, TypedDict, TypeVar, Unpack, overload

from django.core.exceptions import ImproperlyConfigured

from .declaration import (
    BadOption,
    Declaration,
    NameTaken,
    option_of,
    read_declaration,
    text,
)

if TYPE_CHECKING:
    from ..compat import GenericTask

    T = TypeVar("T", bound=GenericTask[Any, Any])

logger = logging.getLogger("django_bgtasks.beat")
_declared: dict[str, tuple[Declaration, Any]] = {}


class _Options(TypedDict, total=False):
    """The options of every kind of schedule."""

    name: str
    description: str
    enabled: bool
    editable: bool
    timezone: str
    start_at: datetime | None
    end_at: datetime | None
    args: list[Any] | tuple[Any, ...]
    kwargs: Mapping[str, Any]
    backend: str | None
    queue_name: str | None
    priority: int | None
    expires: float | timedelta | str | None
    jitter: float | timedelta | str | None
    metadata: Mapping[str, Any] | None
    missed: Literal["skip", "run_once", "run_all"]
    grace: float | timedelta | str | None
    overlap: Literal["allow", "skip", "queue_one"]


@overload
def periodic(crontab: str, **options: Unpack[_Options]) -> Callable[[T], T]: ...


@overload
def periodic(
    *,
    every: float | timedelta | str,
    anchor_at: datetime | None = ...,
    **options: Unpack[_Options],
) -> Callable[[T], T]: ...


@overload
def periodic(*, at: datetime, **options: Unpack[_Options]) -> Callable[[T], T]: ...


@overload
def periodic(
    *,
    solar: str,
    latitude: float,
    longitude: float,
    **options: Unpack[_Options],
) -> Callable[[T], T]: ...


def periodic(crontab: Any = None, **options: Any) -> Any:
    """Declare when a task is due; stands above ``@task``, as often as it is needed.

    One of these says when:

    ``crontab``
        Five fields, six with the second in front, or a name such as ``"@daily"``,
        read in ``timezone``.
    ``every``
        The time between two runs: seconds, a timedelta, or text such as ``"5m"``;
        from a second to ten years. Counted from ``anchor_at``, else ``start_at``,
        else the beginning of 1970 in UTC.
    ``at``
        The moment of a single run.
    ``solar``
        An event of the sun, such as ``"sunset"``, at ``latitude`` and ``longitude``.

    The other options, all keyword-only:

    ``name``
        Unique among all schedules. Default the task's path. Its row is found by it:
        another name is another schedule.
    ``timezone``
        Name of the zone for the crontab and for moments without one. Default
        ``settings.TIME_ZONE``.
    ``start_at``, ``end_at``
        Nothing is due before, or after, these datetimes.
    ``args``, ``kwargs``
        What the task is called with; checked against its function.
    ``backend``, ``queue_name``, ``priority``, ``metadata``
        As for the task, whose own are the default.
    ``expires``
        How long after it was enqueued, and its jitter, a job may start, at most.
    ``jitter``
        Defer each job by a random time up to this.
    ``missed``
        ``"skip"``, ``"run_once"`` (default) or ``"run_all"``: what becomes of
        moments at which no beat was there.
    ``grace``
        How late a moment may still run.
    ``overlap``
        ``"allow"`` (default), ``"skip"`` or ``"queue_one"``: what becomes of a
        moment while the job of the one before is unfinished.
    ``enabled``
        Whether it starts out enabled. Later, people's word counts.
    ``editable``
        Whether people may change its timing in the admin. Default False.
    ``description``
        For people.

    Lengths of time are given as for ``every``. Raise TypeError for an option that
    is unknown and where there is no task below, ImproperlyConfigured for a value
    that cannot be or a name that is taken; the message names the option.
    """
    if crontab is not None and not isinstance(crontab, str):
        raise TypeError(
            f"@periodic takes a crontab as text, not {crontab!r}. Write it above "
            f'@task, as @periodic("0 18 * * 1-5") or @periodic(every="5m").'
        )

    def decorate(task: Any) -> Any:
        _declare(task, {"crontab": crontab, **options})
        return task

    return decorate


def declarations(backend: Any) -> list[Declaration]:
    """Return what is declared for a backend, in code that was imported and settings.

    One in the settings that cannot be is left out, with a record in the log; the
    system checks have told of it.
    """
    found = {
        name: declaration
        for name, (declaration, _) in sorted(_declared.items())
        if declaration.backend == backend.alias
    }
    for name, _ in backend.settings.schedules:
        try:
            found[name] = from_settings(backend, name)
        except BadOption as error:
            where = settings_key(backend, name)
            logger.error("%s is left out: %s. %s", where, error, error.hint)
    return list(found.values())


def from_settings(backend: Any, name: str) -> Declaration:
    """Return the schedule of this name in a backend's SCHEDULES, or raise BadOption.

    The module of its task is imported.
    """
    from django.utils.timezone import get_default_timezone_name

    _refuse_taken(backend.alias, name)
    options = dict(dict(backend.settings.schedules)[name])
    declaration = read_declaration(
        options,
        name=name,
        task_path=text("task", options.pop("task", "")),
        backend=backend.alias,
        origin="settings",
        timezone=get_default_timezone_name(),
        others=("task",),
    )
    _check(declaration, None)
    return declaration


def settings_key(backend: Any, name: str) -> str:
    """Return where in the settings a schedule stands."""
    return f"TASKS[{backend.alias!r}]['OPTIONS']['SCHEDULES'][{name!r}]"


def _refuse_taken(alias: str, name: str) -> None:
    from ..compat import task_backends

    if name in _declared:
        taken = _declared[name][0].task_path
        raise NameTaken("name", f"{name!r} is that of @periodic above {taken}() too")
    for other, entry in task_backends.settings.items():
        if other == alias:
            return
        schedules = entry.get("OPTIONS", {}).get("SCHEDULES")
        if isinstance(schedules, Mapping) and name in schedules:
            raise NameTaken("name", f"{name!r} is in TASKS[{other!r}] too")


def _require_task(task: Any) -> None:
    from .. import registry
    from ..compat import is_task

    if not is_task(task):
        raise TypeError(
            f"@periodic stands above @task and takes what that makes, not {task!r}."
        )
    original = dict(registry.declared()).get(task.module_path, task)
    if original is not task:
        raise TypeError(
            f"@periodic takes the task {task.module_path} itself, not what using() "
            f"makes of it. Give priority=, queue_name= and the like to @periodic."
        )


def _declare(task: Any, options: dict[str, Any]) -> None:
    from django.utils.timezone import get_default_timezone_name

    _require_task(task)
    where = f"@periodic above {task.module_path}()"
    own = {"name": task.module_path, "backend": task.backend}
    try:
        for option in own:
            if (value := options.pop(option, None)) is not None:
                own[option] = text(option, value)
        declaration = read_declaration(
            options,
            **own,
            task_path=task.module_path,
            origin="code",
            timezone=get_default_timezone_name(),
            others=tuple(own),
        )
        _check(declaration, task)
    except BadOption as error:
        kind = TypeError if error.unknown else ImproperlyConfigured
        raise kind(f"{where}: {error}. {error.hint}".strip()) from None
    name = declaration.name
    known, func = _declared.get(name, (None, None))
    # A module that is imported anew declares all of its own again.
    if known and (known.task_path != declaration.task_path or func is task.func):
        raise ImproperlyConfigured(
            f"{where}: the name {name!r} is taken by @periodic above "
            f"{known.task_path}(). Give each of them its own name=."
        )
    _declared[name] = declaration, task.func


def _check(declaration: Declaration, task: Any) -> None:
    from ..compat import InvalidTaskBackend, task_backends
    from .validate import problems

    found = problems(declaration, task=task)
    try:
        task_backends[declaration.backend]
    except InvalidTaskBackend:
        pass
    else:
        # Under a backend of another package, as in tests, it rests.
        found.pop("backend", None)
    for field, messages in found.items():
        raise BadOption(_option(field), _joined(messages))


def _option(field: str) -> str:
    return "task" if field == "task_path" else option_of(field)


def _joined(messages: Iterable[str]) -> str:
    return " ".join(messages).rstrip(".")
