"""Announce: tell the world of an outcome, once it is written."""

from __future__ import annotations

import logging

from ..compat import TaskResultStatus, task_finished
from ..results import public
from ..signals import job_retried
from .outcome import RELEASED, RETRY, SUCCEEDED, Outcome

logger = logging.getLogger("django_bgtasks.job")


def announce(outcome: Outcome) -> None:
    """Send ``task_finished`` for the end of a job, ``job_retried`` between.

    As in Django, receivers see the exception as the one being handled. A receiver
    that raises is logged and changes nothing.
    """
    if outcome.kind == RELEASED:
        return
    if outcome.result is None:
        if outcome.error is not None:
            _log_instead(outcome, outcome.error.traceback)
        return
    _complete(outcome)
    if outcome.context is not None:
        # A copy: the coroutine that has just ended may still be in the original.
        outcome.context.copy().run(_send, outcome)
    else:
        _send(outcome)


def _log_instead(outcome: Outcome, reason: str) -> None:
    """Tell of a job of which no result could be made, since its row is at fault."""
    logger.error(
        "Job %s (%s) could not be started, and is FAILED: %s",
        outcome.job.public_id,
        outcome.job.task_path,
        reason.strip(),
    )


def _complete(outcome: Outcome) -> None:
    result = outcome.result
    if outcome.kind == RETRY:
        status = TaskResultStatus.READY
        object.__setattr__(result, "run_after", public(outcome.run_after))
    else:
        succeeded = outcome.kind == SUCCEEDED
        status = TaskResultStatus.SUCCESSFUL if succeeded else TaskResultStatus.FAILED
        object.__setattr__(result, "finished_at", public(outcome.finished_at))
        object.__setattr__(result, "outcome", outcome.kind)
    object.__setattr__(result, "status", status)


def _send(outcome: Outcome) -> None:
    if outcome.kind == RETRY:
        job_retried.send_robust(
            outcome.sender,
            task_result=outcome.result,
            exception=outcome.exception,
            run_after=outcome.run_after,
        )
    elif outcome.exception is None:
        task_finished.send_robust(outcome.sender, task_result=outcome.result)
    else:
        _send_failed(outcome, outcome.exception)


def _send_failed(outcome: Outcome, exception: BaseException) -> None:
    traceback = exception.__traceback__
    try:
        raise exception
    except BaseException:
        exception.__traceback__ = traceback
        task_finished.send_robust(outcome.sender, task_result=outcome.result)
