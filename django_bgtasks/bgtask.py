"""The ``task`` decorator and the Task it makes: Django's, with more options."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import timedelta
from types import GenericAlias
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar, overload

from . import registry
from .backoff import Backoff
from .compat import (
    DEFAULT_TASK_BACKEND_ALIAS,
    DEFAULT_TASK_QUEUE_NAME,
    GenericTask,
    Task,
    TaskContext,
)
from .conf import Retention
from .results import BgTaskContext, BgTaskResult
from .task_options import Delay, check_options, moment

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")

Exceptions = type[BaseException] | Sequence[type[BaseException]]
_EMPTY: tuple[type[BaseException], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BgTask(GenericTask[P, R]):
    """A declared task. An option that is None is answered by the backend's OPTIONS.

    Made by ``django_bgtasks.task``, or by ``django.tasks.task`` under our
    backend. Copies are made by ``using``; a task never changes.
    """

    # Policy: fixed where the task is declared.
    max_attempts: int | None = None
    backoff: Backoff | float | timedelta | None = None
    timeout: float | timedelta | None = None
    atomic: bool = False
    retry_on: Exceptions | None = None
    no_retry_on: Exceptions = _EMPTY
    retention: Retention | Mapping[str, Any] | float | timedelta | str | None = None
    sensitive: bool | Sequence[str] | None = None
    capture_logs: bool | str | None = None
    # Per call: set by ``using`` too.
    expires: Delay | None = None
    metadata: Mapping[str, Any] | None = None

    if not TYPE_CHECKING:
        __class_getitem__ = classmethod(GenericAlias)

    def __post_init__(self) -> None:
        # Zero-argument super() does not work in a dataclass with slots.
        check_options(self)
        Task.__post_init__(self)
        registry.register(self)

    def __reduce__(self) -> tuple[Any, ...]:
        # By its path: a task may have another name than its function.
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        del values["func"]
        return _restored, (self.module_path, values)

    def using(
        self,
        *,
        priority: int | None = None,
        queue_name: str | None = None,
        run_after: Delay | None = None,
        backend: str | None = None,
        expires: Delay | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> BgTask[P, R]:
        """Return a copy of the task with other values for its next calls.

        ``run_after`` is the earliest start: a delay (seconds or timedelta) from
        now or an aware datetime. A job that was not started by ``expires``, given
        alike, ends as FAILED. ``metadata`` is a dict of JSON that the job
        carries. Raise InvalidTask for a value that cannot be.
        """
        changes: dict[str, Any] = {
            "priority": priority,
            "queue_name": queue_name,
            "run_after": moment(run_after, "run_after"),
            "backend": backend,
            "expires": expires,
            "metadata": metadata,
        }
        return replace(
            self, **{name: item for name, item in changes.items() if item is not None}
        )

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function, as backends that run tasks themselves do."""
        return Task.call(self, *_with_our_context(self, args), **kwargs)

    async def acall(self, *args: Any, **kwargs: Any) -> Any:
        """See call()."""
        return await Task.acall(self, *_with_our_context(self, args), **kwargs)

    if TYPE_CHECKING:

        def enqueue(self, *args: P.args, **kwargs: P.kwargs) -> BgTaskResult[P, R]: ...

        async def aenqueue(
            self, *args: P.args, **kwargs: P.kwargs
        ) -> BgTaskResult[P, R]: ...

        def get_result(self, result_id: str) -> BgTaskResult[P, R]: ...

        async def aget_result(self, result_id: str) -> BgTaskResult[P, R]: ...

    def enqueue_many(
        self, calls: Iterable[tuple[Sequence[Any], Mapping[str, Any]]]
    ) -> list[BgTaskResult[P, R]]:
        """Enqueue a job for each ``(args, kwargs)``, and return their results.

        All or none: it takes part in the caller's transaction, or makes its own.
        A few statements serve any number of calls. Bad arguments raise before
        anything is written, and the message names the call.
        """
        backend: Any = self.get_backend()
        many = getattr(backend, "enqueue_many", None)
        if many is not None:
            results: list[BgTaskResult[P, R]] = many(self, calls)
            return results
        return [backend.enqueue(self, args, kwargs) for args, kwargs in calls]

    async def aenqueue_many(
        self, calls: Iterable[tuple[Sequence[Any], Mapping[str, Any]]]
    ) -> list[BgTaskResult[P, R]]:
        """See enqueue_many()."""
        backend: Any = self.get_backend()
        many = getattr(backend, "aenqueue_many", None)
        if many is not None:
            results: list[BgTaskResult[P, R]] = await many(self, calls)
            return results
        return [await backend.aenqueue(self, args, kwargs) for args, kwargs in calls]


@overload
def task(function: Callable[P, R], /) -> BgTask[P, R]: ...


@overload
def task(
    *,
    takes_context: bool = ...,
    priority: int = ...,
    queue_name: str = ...,
    backend: str = ...,
    max_attempts: int | None = ...,
    backoff: Backoff | float | timedelta | None = ...,
    timeout: float | timedelta | None = ...,
    expires: float | timedelta | None = ...,
    atomic: bool = ...,
    retry_on: Exceptions | None = ...,
    no_retry_on: Exceptions = ...,
    retention: Retention | Mapping[str, Any] | float | timedelta | str | None = ...,
    sensitive: bool | Sequence[str] | None = ...,
    capture_logs: bool | str | None = ...,
) -> _Decorator: ...


def task(function: Callable[..., Any] | None = None, /, **options: Any) -> Any:
    """Declare a module-level function, sync or async, as a background task.

    Options, all keyword-only:

    ``priority``
        -100 to 100; higher runs first. Default 0.
    ``queue_name``, ``backend``
        Where the jobs go. Default ``"default"``.
    ``takes_context``
        Whether the function's first argument is ``context``.
    ``max_attempts``
        How often it may run in all when it raises. Default OPTIONS, which is 1.
    ``backoff``
        Delay before the next attempt: seconds, timedelta, ``exponential(...)``,
        ``linear(...)``, or a callable ``(exception, task_result)`` returning one,
        or None for no further attempt.
    ``timeout``
        Seconds or timedelta that an attempt may take before TaskTimeout is
        raised inside it.
    ``expires``
        Seconds or timedelta after the enqueue (or ``run_after``) by which it
        must have started, else it ends as FAILED.
    ``atomic``
        Commit the body, what it enqueues, and the finish in one transaction.
    ``retry_on``, ``no_retry_on``
        Exception class or classes that are, or are not, worth another attempt.
    ``retention``
        How long the finished job is kept: a length (``timedelta``, seconds,
        ``"7d"``), or a dict by ``successful`` and ``failed``. Zero keeps nothing.
    ``sensitive``
        Names of parameters, and of keys within arguments, metadata and the return
        value, that are shown to nobody; True for all of a job's values.
    ``capture_logs``
        Whether what an attempt logs is kept with the job: True, False, or the
        level to begin with, such as ``"INFO"``. Default OPTIONS, which is False.

    Legal under every backend: those of Django ignore what they do not know.
    Raise InvalidTask where a value cannot be.
    """
    if unknown := set(options) - _OPTIONS:
        raise TypeError(
            f"task() got an unexpected option {min(unknown)!r}. "
            f"The options are: {', '.join(sorted(_OPTIONS))}."
        )
    options.setdefault("backend", DEFAULT_TASK_BACKEND_ALIAS)
    options.setdefault("queue_name", DEFAULT_TASK_QUEUE_NAME)
    options.setdefault("priority", 0)

    def decorate(func: Callable[..., Any]) -> BgTask[..., Any]:
        return BgTask(func=func, run_after=None, **options)

    return decorate if function is None else decorate(function)


def _restored(path: str, values: dict[str, Any]) -> BgTask[..., Any]:
    """Make a task that was pickled or copied again."""
    task: BgTask[..., Any] = registry.resolve(path)
    return BgTask(func=task.func, **values)


class _Decorator:
    """Type of ``task(...)``: a function with a context loses that argument."""

    if TYPE_CHECKING:

        @overload
        def __call__(
            self, function: Callable[Concatenate[BgTaskContext, P], R], /
        ) -> BgTask[P, R]: ...

        @overload
        def __call__(self, function: Callable[P, R], /) -> BgTask[P, R]: ...

        def __call__(self, function: Callable[..., Any], /) -> Any: ...


def _with_our_context(task: Any, args: tuple[Any, ...]) -> tuple[Any, ...]:
    """Give a task that another backend runs the context that it knows."""
    if task.takes_context and args and type(args[0]) is TaskContext:
        context = BgTaskContext(task_result=args[0].task_result)
        return (context, *args[1:])
    return args


_OPTIONS = frozenset(
    {
        "priority",
        "queue_name",
        "backend",
        "takes_context",
        "max_attempts",
        "backoff",
        "timeout",
        "expires",
        "atomic",
        "retry_on",
        "no_retry_on",
        "retention",
        "sensitive",
        "capture_logs",
    }
)
