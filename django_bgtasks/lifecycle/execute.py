"""Execute: run a claimed job's function and say how it ended. No SQL."""

from __future__ import annotations

import time
import traceback
from contextlib import suppress
from inspect import iscoroutinefunction
from types import TracebackType
from typing import Any

from asgiref.sync import async_to_sync

from .. import payload, registry
from ..audience import is_heard
from ..backoff import Backoff
from ..compat import TaskError, task_backends, task_started
from ..conf import Retention, duration, retention
from ..exceptions import TaskCancelled, TaskExpired, TaskTimeout, UnknownTask
from ..log_capture import begin, read_level
from ..results import Control
from ..sensitive import mask_of
from ..vendors import without_row
from .outcome import (
    CANCELLED,
    EXPIRED,
    FAILED,
    SUCCEEDED,
    ClaimedJob,
    Execution,
    Outcome,
    Plan,
)

_MAX_TRACEBACK = 64 * 1024
_PACKAGE = __name__.partition(".")[0] + "."


def plan_for(path: str, alias: str) -> Plan:
    """Read what task and settings say of a job. Raise UnknownTask."""
    backend: Any = task_backends[alias]
    options = getattr(backend, "settings", None)
    if options is None:
        raise UnknownTask(
            f"{path!r} was enqueued on TASKS[{alias!r}], which is no longer a "
            f"backend of django_bgtasks."
        )
    task = registry.resolve(path, options.task_modules)

    def option(name: str, default: Any) -> Any:
        value = getattr(task, name, None)
        return default if value is None else value

    timeout = option("timeout", options.timeout)
    retry_on = getattr(task, "retry_on", None)
    return Plan(
        task=task,
        sender=type(backend),
        is_async=iscoroutinefunction(task.func),
        atomic=bool(getattr(task, "atomic", False)),
        max_attempts=option("max_attempts", options.max_attempts),
        backoff=_backoff(option("backoff", options.backoff)),
        timeout=None if timeout is None else duration(timeout).total_seconds(),
        retry_on=None if retry_on is None else _classes(retry_on),
        no_retry_on=_classes(getattr(task, "no_retry_on", ())),
        retention=_retention(getattr(task, "retention", None), options.retention),
        max_payload=options.max_payload,
        mask=mask_of(task, options.sensitive),
        log_level=read_level(option("capture_logs", options.capture_logs)),
    )


def prepare(
    job: ClaimedJob, plan: Plan, worker: str, control: Control, clock: float
) -> Execution | Outcome:
    """Make a job ready to run, or say why it cannot be run."""
    if job.expires_at is not None and job.at(clock) >= job.expires_at:
        expired = TaskExpired(
            f"Not started by {job.expires_at.isoformat()}, when the job expired."
        )
        return refuse(job, expired, worker, EXPIRED, plan)
    try:
        execution = Execution(job, plan, worker, control, clock)
    except Exception as error:
        return refuse(job, error, worker, plan=plan)
    if plan.timeout is not None:
        control.deadline = clock + plan.timeout
    return execution


def announce_start(execution: Execution) -> None:
    """Send ``task_started``. A receiver that raises is logged, not obeyed."""
    if is_heard(task_started, execution.recorded):
        task_started.send_robust(execution.plan.sender, task_result=execution.result)


def capture_log(execution: Execution) -> None:
    """Keep what is logged in this context from now on, if the task wants it."""
    if execution.plan.log_level is not None:
        execution.capture = begin(execution.plan.log_level)


def call(execution: Execution) -> Any:
    """Call the function in this thread; an async one on an event loop of its own."""
    function = execution.plan.task.func
    if execution.plan.is_async:
        function = async_to_sync(function)
    arguments = execution.arguments
    try:
        execution.control.enter()
        return function(*arguments, **execution.kwargs)
    finally:
        execution.control.leave()


async def acall(execution: Execution) -> Any:
    """Await an async function."""
    function = execution.plan.task.func
    return await function(*execution.arguments, **execution.kwargs)


def succeed(execution: Execution, value: Any) -> Outcome:
    """Conclude with a return value. Raise InvalidArguments if it is no JSON."""
    normal = payload.normalize(value, "the return value")
    text = payload.dump(normal, "The return value", execution.plan.max_payload)
    execution.returned(normal)
    return _outcome(execution, SUCCEEDED, text)


def fail(execution: Execution, exception: BaseException) -> Outcome:
    """Conclude with an exception. Whether another attempt follows is for retry."""
    if type(exception) is TaskTimeout and not exception.args and execution.plan.timeout:
        exception.args = (
            f"The task ran longer than its timeout of {execution.plan.timeout:g} s.",
        )
    outcome = _outcome(execution, FAILED)
    outcome.exception = exception
    error = describe(exception)
    outcome.error = TaskError(
        exception_class_path=error.exception_class_path,
        traceback=execution.masked(error.traceback),
    )
    execution.result.errors.append(outcome.error)
    if isinstance(exception, TaskCancelled):
        outcome.kind = CANCELLED
    return outcome


def refuse(
    job: ClaimedJob,
    error: BaseException,
    worker: str,
    kind: str = FAILED,
    plan: Plan | None = None,
) -> Outcome:
    """Conclude a job that could not be started; it is not tried again."""
    now = job.seconds(time.monotonic())
    outcome = Outcome(job, kind, now, now)
    outcome.error, outcome.exception = describe(error), error
    if plan is not None:
        outcome.plan = plan
        # Where its arguments are what cannot be read, the row tells the story.
        with suppress(Exception):
            execution = Execution(job, plan, worker, Control(), time.monotonic())
            execution.result.errors.append(outcome.error)
            outcome.execution = execution
    return outcome


def unwritable(outcome: Outcome, error: Exception, worker: str) -> Outcome:
    """Conclude a job whose outcome the database refuses.

    The error tells neither of the row that is refused nor of sensitive arguments.
    """
    told = without_row(error)
    if outcome.execution is not None:
        shown = outcome.execution.masked(text := str(told))
        if shown != text:
            told = type(error)(shown).with_traceback(error.__traceback__)
    refused = refuse(outcome.job, told, worker)
    refused.execution, refused.plan = outcome.execution, outcome.plan
    return refused


def describe(exception: BaseException) -> TaskError:
    """Put an exception into words, whatever it does when it is printed."""
    kind = type(exception)
    path = payload.printable(f"{kind.__module__}.{kind.__qualname__}")
    return TaskError(
        exception_class_path=path[:255], traceback=format_exception(exception)
    )


def format_exception(exception: BaseException) -> str:
    frames = _frames_of_task(exception.__traceback__)
    try:
        text = "".join(traceback.format_exception(type(exception), exception, frames))
    except Exception as unprintable:
        text = (
            f"{type(exception).__qualname__}: <unprintable: "
            f"{type(unprintable).__name__}>\n"
        )
    text = payload.printable(text)
    if len(text) > _MAX_TRACEBACK:
        half = _MAX_TRACEBACK // 2
        left_out = len(text) - _MAX_TRACEBACK
        text = f"{text[:half]}\n... {left_out} characters ...\n{text[-half:]}"
    return text


def _frames_of_task(frames: TracebackType | None) -> TracebackType | None:
    """Leave out the frames that led to the task; they say nothing about it."""
    each = frames
    while each is not None:
        if each.tb_frame.f_code in (call.__code__, acall.__code__):
            return each.tb_next
        each = each.tb_next
    while frames and frames.tb_frame.f_globals.get("__name__", "").startswith(_PACKAGE):
        frames = frames.tb_next
    return frames


def _outcome(execution: Execution, kind: str, value: str | None = None) -> Outcome:
    job = execution.job
    began, ended = job.seconds(execution.started), job.seconds(time.monotonic())
    outcome = Outcome(job, kind, began, ended, value, None, execution.log())
    outcome.execution, outcome.plan = execution, execution.plan
    return outcome


def _backoff(value: Any) -> Backoff:
    if callable(value):
        return value  # type: ignore[no-any-return]
    delay = duration(value)
    return lambda exception, result: delay


def _classes(value: Any) -> tuple[type[BaseException], ...]:
    return tuple(value) if isinstance(value, (tuple, list)) else (value,)


def _retention(value: Any, default: Retention) -> Retention:
    return default if value is None else retention(value)
