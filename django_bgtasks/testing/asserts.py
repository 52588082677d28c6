"""Look at what was enqueued."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .. import payload
from ..compat import is_task, task_enqueued
from ..lifecycle.result import get_results
from .pending import backend_of

# Jobs that a message lists.
_SHOWN = 10


def enqueued(task: Any = None, *, backend: str = "default") -> list[Any]:
    """Return the results of all jobs in the database, or of a task's, as enqueued.

    Whatever became of them: a job that ran is still there, unless its retention
    is zero.
    """
    which = {}
    if task is not None:
        backend, which = _task(task).backend, {"task_path": task.module_path}
    door = backend_of(backend)
    return list(get_results(door.database, door.settings.task_modules, **which))


@contextmanager
def capture_enqueued() -> Iterator[list[Any]]:
    """Collect the results of what is enqueued inside, under whatever backend.

    They are as at their enqueue; ``refresh()`` tells what became of them. What is
    rolled back later stays in the list.
    """
    captured: list[Any] = []

    def note(*, task_result: Any, **kwargs: Any) -> None:
        captured.append(task_result)

    task_enqueued.connect(note, weak=False)
    try:
        yield captured
    finally:
        task_enqueued.disconnect(note)


def assert_enqueued(
    task: Any,
    *,
    args: Sequence[Any] | None = None,
    kwargs: Mapping[str, Any] | None = None,
    count: int | None = None,
    queue_name: str | None = None,
    priority: int | None = None,
    run_after: datetime | None = None,
    metadata: Mapping[str, Any] | None = None,
    among: Iterable[Any] | None = None,
) -> list[Any]:
    """Fail unless the task was enqueued so; return the results of those jobs.

    What is None is not compared; ``args`` and ``kwargs`` are the whole of what was
    passed so. ``count`` is how many jobs there must be, by default one or more.
    ``among`` are results to look through, such as those of
    ``capture_enqueued()``; by default, the jobs in the database.
    """
    wanted = _Wanted(
        args=None if args is None else payload.normalize(list(args), "args"),
        kwargs=None if kwargs is None else payload.normalize(kwargs, "kwargs"),
        queue_name=queue_name,
        priority=priority,
        run_after=run_after,
        metadata=None if metadata is None else payload.normalize(metadata, "metadata"),
    )
    path = _task(task).module_path
    others = list(among if among is not None else enqueued(backend=task.backend))
    own = [each for each in others if each.task.module_path == path]
    found = [each for each in own if wanted.fits(each)]
    if not found if count is None else len(found) != count:
        raise AssertionError(_message(path, wanted, count, len(found), own, others))
    return found


def assert_not_enqueued(task: Any, **conditions: Any) -> None:
    """Fail if the task was enqueued so. See assert_enqueued()."""
    assert_enqueued(task, count=0, **conditions)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    args: Any
    kwargs: Any
    queue_name: str | None
    priority: int | None
    run_after: datetime | None
    metadata: Any

    def fits(self, result: Any) -> bool:
        facts = _facts(result)
        return all(facts[name] == value for name, value in self.conditions().items())

    def conditions(self) -> dict[str, Any]:
        values = {name: getattr(self, name) for name in self.__slots__}
        return {name: value for name, value in values.items() if value is not None}


def _facts(result: Any) -> dict[str, Any]:
    return {
        "args": payload.normalize(list(result.args), "args"),
        "kwargs": payload.normalize(result.kwargs, "kwargs"),
        "queue_name": result.task.queue_name,
        "priority": result.task.priority,
        "run_after": result.task.run_after,
        "metadata": getattr(result, "metadata", None) or {},
    }


def _message(
    path: str,
    wanted: _Wanted,
    count: int | None,
    number: int,
    own: list[Any],
    others: list[Any],
) -> str:
    conditions = _words(wanted.conditions())
    how = f" with {conditions}" if conditions else ""
    if count is None:
        lines = [f"{path} was not enqueued{how}."]
    else:
        times = "once" if number == 1 else f"{number} times"
        lines = [f"{path} was enqueued {times}{how}, not {count}."]
    if own:
        lines.append(f"Jobs of the task ({len(own)}):")
        lines += [f"  {_words(_facts(result))}" for result in own[:_SHOWN]]
    elif others:
        names = sorted({result.task.module_path for result in others})
        lines.append(f"Enqueued were: {', '.join(names[:_SHOWN])}.")
    else:
        lines.append("Nothing was enqueued.")
    return "\n".join(lines)


def _words(facts: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{name}={value!r}" for name, value in facts.items() if value or value == 0
    )


def _task(task: Any) -> Any:
    if not is_task(task):
        raise TypeError(f"A declared task is wanted here, not {task!r}.")
    return task
