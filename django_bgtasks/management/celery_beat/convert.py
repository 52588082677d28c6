"""From an entry of Celery to a schedule, with what will differ and what cannot be."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from difflib import get_close_matches
from typing import Any

from ...models import TIMING_FIELDS, Schedule
from ...periodic.validate import problems
from .conversion import Conversion, Rules, is_task
from .entries import Entry
from .whens import set_timing

# What Celery's own beat adds to every schedule.
_CLEAN_UP = "celery.backend_cleanup"


def convert(entry: Entry, rules: Rules) -> Conversion:
    """Return what becomes of an entry. Nothing is written, nor asked of a database."""
    schedule = Schedule(
        name=f"{rules.prefix}{entry.name}",
        description=entry.description,
        backend=rules.backend,
        enabled=entry.enabled,
    )
    made = Conversion(entry, schedule)
    if entry.task == _CLEAN_UP:
        made.refusals.append("Not needed: workers prune finished jobs by themselves.")
        return made
    _set_task(made, rules)
    _set_arguments(made)
    _set_options(made, rules)
    refused = len(made.refusals)
    set_timing(made, rules)
    _refuse_problems(made, has_timing=len(made.refusals) == refused)
    return made


def _refuse_problems(made: Conversion, has_timing: bool) -> None:
    for name, messages in problems(made.schedule).items():
        # What has been said in Celery's words is not said again.
        if name == "task_path" and made.lacks_task:
            continue
        if name in TIMING_FIELDS and not has_timing:
            continue
        for message in messages:
            hint = ""
            if name == "queue_name":
                hint = f" Or pass --map-queue {made.entry.queue}=NAME."
            made.refusals.append(f"{name}: {message}{hint}")


def _set_task(made: Conversion, rules: Rules) -> None:
    name = made.entry.task
    path = rules.renamed.get(name, name)
    made.schedule.task_path = path
    if is_task(path, rules.modules):
        if path != name:
            made.notes.append(f"Runs {path} instead of {name}.")
        return
    made.lacks_task = True
    made.refusals.append(f"There is no task {name!r} here. {_proposal(name, rules)}")


def _proposal(name: str, rules: Rules) -> str:
    function = name.rpartition(".")[2]
    same = [path for path in rules.tasks if path.rpartition(".")[2] == function]
    if len(same) == 1:
        return f"If it is {same[0]}, pass --map {name}={same[0]}."
    if same:
        return f"Pass --map {name}=PATH with one of {', '.join(sorted(same))}."
    near = get_close_matches(name, rules.tasks, 1)
    hint = f" such as --map {name}={near[0]}" if near else f" --map {name}=PATH"
    return f"Declare it with @task, or pass{hint}."


def _set_arguments(made: Conversion) -> None:
    entry, schedule = made.entry, made.schedule
    schedule.args = _parsed(made, "args", entry.args, list)
    schedule.kwargs = _parsed(made, "kwargs", entry.kwargs, dict)
    schedule.metadata = _parsed(made, "headers", entry.headers, dict) or None
    if schedule.metadata:
        made.notes.append("Its headers become metadata of the jobs.")
    if any(_has_type(each) for each in (schedule.args, schedule.kwargs)):
        made.notes.append(
            "Its arguments hold values in Celery's form of JSON (__type__), such as "
            "dates. They arrive as they stand: the task must read them."
        )


def _parsed(made: Conversion, name: str, value: Any, kind: type) -> Any:
    """Return args, kwargs or headers, which the tables hold as text."""
    if isinstance(value, str) and value.strip():
        try:
            value = json.loads(value)
        except ValueError as error:
            made.refusals.append(f"Its {name} are no JSON: {error}.")
            return kind()
    if isinstance(value, tuple):
        value = list(value)
    value = value or kind()
    if not isinstance(value, kind):
        words = "a list" if kind is list else "an object"
        made.refusals.append(f"Its {name} must be {words} in JSON, not {value!r}.")
        return kind()
    return value


def _has_type(value: Any) -> bool:
    if isinstance(value, Mapping):
        return "__type__" in value or any(_has_type(each) for each in value.values())
    return isinstance(value, list) and any(_has_type(each) for each in value)


def _set_options(made: Conversion, rules: Rules) -> None:
    entry, schedule = made.entry, made.schedule
    if entry.queue:
        schedule.queue_name = rules.queues.get(entry.queue, entry.queue)
        if schedule.queue_name != entry.queue:
            made.notes.append(
                f"Goes to the queue {schedule.queue_name or 'of the task'} instead of "
                f"{entry.queue}."
            )
    if entry.priority is not None:
        schedule.priority = _priority(made, entry.priority, rules.low_first)
    if entry.expire_seconds is not None:
        schedule.expires = _length(made, entry.expire_seconds)
    for name in ("exchange", "routing_key"):
        if value := getattr(entry, name):
            made.notes.append(f"Its {name} {value!r} has no meaning here.")


def _priority(made: Conversion, priority: Any, low_first: bool) -> int | None:
    """Return a number in the same order: Celery's are from 0 to 9, or to 255."""
    if not isinstance(priority, int) or not 0 <= priority <= 255:
        made.refusals.append(f"Its priority {priority!r} is not from 0 to 255.")
        return None
    steps = priority * 10 if priority < 10 else 90 + -(-(priority - 9) * 10 // 246)
    found = -steps if low_first else steps
    first = "0, the most urgent to Redis" if low_first else "255, the most urgent"
    made.notes.append(f"Priority {priority} (up to {first}) becomes {found}.")
    return found


def _length(made: Conversion, seconds: Any) -> timedelta | None:
    try:
        return timedelta(seconds=seconds)
    except (TypeError, ValueError, OverflowError):
        made.refusals.append(f"{seconds!r} is no number of seconds to expire after.")
        return None
