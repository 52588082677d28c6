"""Announce: tell the world of an outcome, once it is written."""

from __future__ import annotations

import logging
from functools import partial
from typing import Any

from ..audience import is_heard
from ..compat import TaskResultStatus, task_finished
from ..log import one_line
from ..results import public
from ..signals import job_retried
from .outcome import RELEASED, RETRY, SUCCEEDED, Outcome

logger = logging.getLogger("django_bgtasks.job")


def has_audience(outcome: Outcome, recorded: bool | None = None) -> bool:
    """Whether anybody would hear of an outcome. For ``recorded`` see is_heard().

    Who failed is always told of. Of one that succeeded nobody may want to know;
    but a TaskResult that somebody has seen must come to show its end.
    """
    if outcome.kind != SUCCEEDED or outcome.execution is None:
        return outcome.kind != RELEASED
    return outcome.execution.has_result or is_heard(task_finished, recorded)


def announce(outcome: Outcome) -> None:
    """Send ``task_finished`` for the end of a job, ``job_retried`` between.

    As in Django, receivers see the exception as the one being handled. A receiver
    that raises is logged and changes nothing.
    """
    if not has_audience(outcome):
        return
    execution = outcome.execution
    if execution is None:
        if outcome.error is not None:
            _log_instead(outcome, outcome.error.traceback)
        return
    completed(outcome)
    send = partial(_send, outcome, execution.plan.sender, execution.result)
    if execution.context is not None:
        # A copy: the coroutine that has just ended may still be in the original.
        execution.context.copy().run(send)
    else:
        send()


def _log_instead(outcome: Outcome, reason: str) -> None:
    """Tell of a job of which no result could be made, since its row is at fault."""
    logger.error(
        "Job %s (%s) could not be started, and is FAILED: %s",
        outcome.job.public_id,
        one_line(outcome.job.task_path),
        # What it quotes of the row may hold line breaks of its own.
        "\n    ".join(map(one_line, reason.strip().splitlines())),
    )


def completed(outcome: Outcome) -> Any:
    """Return the TaskResult as the end has made it, or None if there can be none."""
    if outcome.execution is None:
        return None
    result = outcome.execution.result
    if outcome.kind == RETRY:
        status = TaskResultStatus.READY
        object.__setattr__(result, "run_after", public(outcome.run_after))
    else:
        succeeded = outcome.kind == SUCCEEDED
        status = TaskResultStatus.SUCCESSFUL if succeeded else TaskResultStatus.FAILED
        object.__setattr__(result, "finished_at", public(outcome.finished_at))
        object.__setattr__(result, "outcome", outcome.kind)
    object.__setattr__(result, "status", status)
    return result


def _send(outcome: Outcome, sender: type, result: Any) -> None:
    if outcome.kind == RETRY:
        job_retried.send_robust(
            sender,
            task_result=result,
            exception=outcome.exception,
            run_after=outcome.run_after,
        )
    elif outcome.exception is None:
        task_finished.send_robust(sender, task_result=result)
    else:
        _send_failed(outcome.exception, sender, result)


def _send_failed(exception: BaseException, sender: type, result: Any) -> None:
    traceback = exception.__traceback__
    try:
        raise exception
    except BaseException:
        exception.__traceback__ = traceback
        task_finished.send_robust(sender, task_result=result)
