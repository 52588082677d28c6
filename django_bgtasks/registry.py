"""The tasks that exist: what a job may name.

A row can be written by anybody with access to the table, so a task path is
never simply imported. It must lead to a declared task, and a module that was
not imported yet is imported only if it is there for tasks: ``tasks`` of an
installed app or of the settings' package, or named in OPTIONS["TASK_MODULES"].
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import fields
from datetime import datetime
from importlib import import_module
from typing import Any

from django.apps import apps
from django.conf import settings
from django.utils.module_loading import autodiscover_modules

from .compat import Task, is_task
from .exceptions import UnknownTask

_declared: dict[str, Any] = {}


def register(task: Any) -> None:
    """Note a declared task under its path; the last declaration counts.

    Copies made by ``using()`` share the function and change nothing.
    """
    path = task.module_path
    known = _declared.get(path)
    if known is None or known.func is not task.func:
        _declared[path] = task


def declared() -> Iterator[tuple[str, Any]]:
    """Yield the path and the task of every declaration seen so far."""
    return iter(sorted(_declared.items()))


def discover(modules: Iterable[str] = ()) -> None:
    """Import the ``tasks`` module of each installed app, and ``modules``."""
    autodiscover_modules("tasks")
    for path in modules:
        import_module(path)


def resolve(path: str, modules: Iterable[str] = ()) -> Any:
    """Return the task that ``path`` names, or raise UnknownTask saying why not."""
    task = _declared.get(path)
    if task is not None:
        return task
    module_path, _, name = path.rpartition(".")
    module = _import(path, module_path, modules)
    task = _declared.get(path)
    if task is None:
        task = getattr(module, name, None)
    if task is None:
        raise UnknownTask(
            f"{path!r} names no task: module {module_path!r} has no {name!r}. "
            f"It may have been removed or renamed since the job was enqueued."
        )
    if not is_task(task) or task.module_path != path:
        raise UnknownTask(f"{path!r} is no task: declare it with @task.")
    return task


def as_enqueued(
    task: Any,
    priority: int,
    queue_name: str,
    backend: str,
    run_after: datetime | None = None,
) -> Any:
    """Return the task with the values that a job was enqueued with.

    Not by ``using()``: what was valid then may not be any more, such as a queue
    that has left the settings, and the job is there all the same.
    """
    values = {
        "priority": priority,
        "queue_name": queue_name,
        "backend": backend,
        "run_after": run_after,
    }
    if all(getattr(task, name) == value for name, value in values.items()):
        return task
    return _unchecked(task, values)


def missing(path: str) -> Any:
    """Return a stand-in for a task that no longer exists, to show its jobs with."""
    module, _, name = path.rpartition(".")

    def gone(*args: Any, **kwargs: Any) -> Any:
        raise UnknownTask(f"{path!r} names no task any more.")

    gone.__module__, gone.__qualname__, gone.__name__ = module, name, name
    return _unchecked(None, {"func": gone, "takes_context": False})


def _unchecked(task: Any, values: dict[str, Any]) -> Any:
    kind = Task if task is None else type(task)
    copy = object.__new__(kind)
    for field in fields(kind):
        if field.name in values:
            value = values[field.name]
        else:
            value = None if task is None else getattr(task, field.name)
        object.__setattr__(copy, field.name, value)
    return copy


def _import(path: str, module_path: str, modules: Iterable[str]) -> Any:
    if module_path not in sys.modules and not _may_hold_tasks(module_path, modules):
        raise UnknownTask(
            f"{path!r} names no task that is known here: module {module_path!r} is "
            f"not the 'tasks' of an installed app. If it does hold tasks, add it to "
            f"OPTIONS['TASK_MODULES']."
        )
    try:
        # Of a module that another thread is importing just now it waits for the end.
        return import_module(module_path)
    except (Exception, SystemExit) as error:
        raise UnknownTask(
            f"{path!r} names no task: importing {module_path!r} failed with "
            f"{type(error).__name__}: {error}"
        ) from error


def _may_hold_tasks(module_path: str, modules: Iterable[str]) -> bool:
    roots = [f"{config.name}.tasks" for config in apps.get_app_configs()]
    settings_module = getattr(settings, "SETTINGS_MODULE", None)
    if settings_module and "." in settings_module:
        roots.append(f"{settings_module.partition('.')[0]}.tasks")
    roots += modules
    return any(
        module_path == root or module_path.startswith(f"{root}.") for root in roots
    )
