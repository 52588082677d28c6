"""What a caller sees of a job, and what a running task sees of itself."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from math import inf
from typing import Any, NamedTuple, ParamSpec, TypeVar, overload

from asgiref.sync import sync_to_async
from django.conf import settings
from django.utils import timezone

from .compat import TASK_REFRESH_ATTRS, GenericTaskContext, GenericTaskResult
from .sensitive import Mask, represented

P = ParamSpec("P")
R = TypeVar("R")

_REFRESHED = (
    *sorted(TASK_REFRESH_ATTRS),
    "metadata",
    "progress",
    "outcome",
    "run_after",
    "cancel_requested",
)
# wait() asks the database at these distances in seconds: soon at first, since most
# tasks are short, then seldom.
_FIRST_LOOK, _LAST_LOOK = 0.005, 0.25


@overload
def public(moment: datetime) -> datetime: ...


@overload
def public(moment: None) -> None: ...


def public(moment: datetime | None) -> datetime | None:
    """Show an aware moment as the project does: naive where USE_TZ is False."""
    if moment is None or settings.USE_TZ:
        return moment
    if timezone.is_naive(moment):
        return moment
    # By the project's zone: a request may have activated another.
    return timezone.make_naive(moment, timezone.get_default_timezone())


class Progress(NamedTuple):
    """How far a job has come: ``done`` of ``total`` steps; total may be unknown."""

    done: float
    total: float | None = None

    @property
    def percent(self) -> float | None:
        """0 to 100, or None while the total is unknown."""
        if not self.total:
            return None
        return max(0.0, min(100.0, 100 * self.done / self.total))


# Django's classes are frozen; their type stubs do not say so.
@dataclass(frozen=True, slots=True, kw_only=True)
class BgTaskResult(GenericTaskResult[P, R]):  # type: ignore[misc]
    """Django's TaskResult, with the verbs and facts of a job in our tables.

    ``outcome`` is finer than ``status``: None until the job has finished, then
    succeeded, failed, cancelled, expired or lost. ``run_after`` is when a
    deferred job, or the next attempt of a failed one, is due. Of a job that a
    schedule enqueued, ``schedule_id`` says which one, and ``scheduled_for`` for
    which moment it was due.
    """

    metadata: dict[str, Any] = field(default_factory=dict)
    progress: Progress | None = None
    outcome: str | None = None
    run_after: datetime | None = None
    cancel_requested: bool = False
    schedule_id: int | None = None
    scheduled_for: datetime | None = None
    # What the job itself keeps of what must not be shown.
    mask: Mask = field(default=Mask(), repr=False, compare=False)

    def __repr__(self) -> str:
        # It ends in logs, tracebacks and error trackers.
        return represented(self, self.mask)

    def __post_init__(self) -> None:
        # Django would normalize the arguments here; they were before they were
        # stored, and come as JSON from there.
        pass

    def refresh(self) -> None:
        """Reload what may have changed. Raise TaskResultDoesNotExist if pruned."""
        self._copy(self.task.get_backend().get_result(self.id))

    async def arefresh(self) -> None:
        """See refresh()."""
        self._copy(await self.task.get_backend().aget_result(self.id))

    def cancel(self) -> bool:
        """Ask that the job does not run (on), and tell whether that was in time.

        A waiting job is finished at once, as FAILED with outcome "cancelled". A
        running one is told: ``context.should_stop`` turns true and TaskCancelled
        is raised inside it. False means that it had finished already.
        """
        in_time: bool = self._backend.cancel(self.id)
        self.refresh()
        return in_time

    async def acancel(self) -> bool:
        """See cancel()."""
        return await sync_to_async(self.cancel)()

    def retry(self) -> None:
        """Make a finished job ready again, under the same id, for one more attempt.

        Raise ValueError if it has not finished, TaskResultDoesNotExist if it
        was pruned.
        """
        self._backend.retry(self.id)
        self.refresh()

    async def aretry(self) -> None:
        """See retry()."""
        await sync_to_async(self.retry)()

    def wait(self, timeout: float | None = None) -> BgTaskResult[P, R]:
        """Block until the job has finished, and return this result, refreshed.

        Raise TimeoutError after ``timeout`` seconds; None waits for ever. Raise
        RuntimeError inside a transaction, where the wait could not end.
        """
        for delay in _looks(self, timeout):
            self.refresh()
            if self.is_finished:
                break
            self._backend.refuse_wait_in_transaction()
            time.sleep(delay)
        return self

    async def await_finished(self, timeout: float | None = None) -> BgTaskResult[P, R]:
        """See wait(). (``await`` itself is a keyword.)"""
        for delay in _looks(self, timeout):
            await self.arefresh()
            if self.is_finished:
                break
            await asyncio.sleep(delay)
        return self

    @property
    def _backend(self) -> Any:
        return self.task.get_backend()

    def _copy(self, other: Any) -> None:
        for name in _REFRESHED:
            object.__setattr__(self, name, getattr(other, name))


def pauses() -> Iterator[float]:
    """Yield the seconds between two looks at a job that somebody waits for."""
    delay = _FIRST_LOOK
    while True:
        yield delay
        delay = min(delay * 1.5, _LAST_LOOK)


def _looks(result: Any, timeout: float | None) -> Iterator[float]:
    """Yield the pauses between looks at the database; raise when time is up."""
    start = time.monotonic()
    for number, delay in enumerate(pauses()):
        left = inf if timeout is None else start + timeout - time.monotonic()
        if left <= 0 and number:
            raise TimeoutError(
                f"Job {result.id} is {result.status} after {timeout} seconds."
            )
        yield max(0.0, min(delay, left))


class Control:
    """What a running task reaches through its context. This one reaches nothing.

    The worker and the inline runner put theirs in its place.
    """

    cancelled = False
    deadline: float | None = None
    # Whether reports are stored by the thread that runs the task.
    in_callers_thread = False

    @property
    def should_stop(self) -> bool:
        return self.cancelled

    def enter(self) -> None:
        """The task's own code begins: from now on it may be interrupted."""

    def leave(self) -> None:
        """The task's own code has ended: what follows is not to be interrupted."""

    def report(self, result: Any, *, metadata: bool) -> None:
        """Store the progress of ``result`` soon; with ``metadata`` both, at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BgTaskContext(GenericTaskContext[..., Any]):  # type: ignore[misc]
    """First argument of a task declared with ``takes_context=True``."""

    control: Control = field(default_factory=Control, repr=False, compare=False)
    spare: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def should_stop(self) -> bool:
        """Whether the job was cancelled, or its worker is stopping.

        A long task looks now and then, and ends by raising ``Retry`` to be
        continued elsewhere.
        """
        return self.control.should_stop

    @property
    def remaining(self) -> float | None:
        """Seconds until the task's timeout; None without one."""
        if self.control.deadline is None:
            return None
        return self.control.deadline - time.monotonic()

    @property
    def scheduled_for(self) -> datetime | None:
        """The moment that the job was due by its schedule; None without one.

        A report "of the last day" is the day before this, however late it runs.
        """
        return getattr(self.task_result, "scheduled_for", None)

    @property
    def schedule_id(self) -> int | None:
        """Id of the schedule that enqueued the job; None without one."""
        return getattr(self.task_result, "schedule_id", None)

    @property
    def metadata(self) -> dict[str, Any]:
        """The job's metadata, a dict of JSON. Change it, then save_metadata()."""
        # Under a backend of Django's own the result carries none.
        return getattr(self.task_result, "metadata", self.spare)

    def save_metadata(self) -> None:
        """Store ``metadata`` for every reader of the result; return when stored.

        It is stored at once, whatever becomes of the task's own transaction, and
        stays through later attempts. On SQLite, where a transaction shuts out every
        other writer, it is stored with the one that is open. Raise InvalidArguments
        if it is no JSON.
        """
        self.control.report(self.task_result, metadata=True)

    async def asave_metadata(self) -> None:
        """See save_metadata()."""
        thread_sensitive = self.control.in_callers_thread
        await sync_to_async(self.save_metadata, thread_sensitive=thread_sensitive)()

    def progress(self, done: float, total: float | None = None) -> None:
        """Tell how far the task has come. Cheap: the worker writes it by and by."""
        for number in (done,) if total is None else (done, total):
            if not _is_number(number):
                raise TypeError(f"progress() takes numbers, not {number!r}.")
        if isinstance(self.task_result, BgTaskResult):
            told = Progress(done, total)
            object.__setattr__(self.task_result, "progress", told)
        self.control.report(self.task_result, metadata=False)


def _is_number(value: Any) -> bool:
    # An integer may be too large for a float, which is what is stored.
    return isinstance(value, (int, float)) and abs(value) <= sys.float_info.max
