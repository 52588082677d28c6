"""Retry: whether and when a failed attempt is followed by another. Pure."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from traceback import format_exception_only
from typing import Any

from .. import payload
from ..compat import TaskError
from ..conf import duration
from ..exceptions import Abort, Retry, TaskCancelled
from .outcome import FAILED, RETRY, Outcome, Plan


def judge(plan: Plan, outcome: Outcome) -> Outcome:
    """Turn a failed outcome into one to be retried, if the policy says so.

    A backoff that fails itself is told of beside the task's exception, and the
    job is not retried.
    """
    if outcome.kind != FAILED or outcome.exception is None or not outcome.finished_at:
        return outcome
    assert outcome.execution is not None
    result = outcome.execution.result
    try:
        outcome.run_after = next_attempt(
            plan, outcome.exception, result, outcome.finished_at
        )
    except Exception as broken:
        _note(outcome, result, broken)
    if outcome.run_after is not None:
        outcome.kind = RETRY
    return outcome


def _note(outcome: Outcome, result: Any, broken: Exception) -> None:
    assert outcome.error is not None
    reason = payload.printable("".join(format_exception_only(broken)))
    outcome.error = TaskError(
        exception_class_path=outcome.error.exception_class_path,
        traceback=f"{outcome.error.traceback}\nIts backoff failed, so the job is not "
        f"retried: {reason}",
    )
    result.errors[-1] = outcome.error


def next_attempt(
    plan: Plan, exception: BaseException, result: Any, now: datetime
) -> datetime | None:
    """Return when the next attempt is due, or None if this was the last.

    ``Retry`` and ``Abort`` override the policy. ``result.attempts`` counts the
    one that failed. Whatever the backoff raises or returns in error propagates
    as an exception, which fails the job.
    """
    if isinstance(exception, (Abort, TaskCancelled)):
        return None
    if isinstance(exception, Retry):
        if exception.after is not None:
            return _moment(exception.after, now)
    elif result.attempts >= plan.max_attempts or not _is_worth_it(plan, exception):
        return None
    delay = plan.backoff(exception, result)
    return None if delay is None else _moment(delay, now)


def _is_worth_it(plan: Plan, exception: BaseException) -> bool:
    if isinstance(exception, plan.no_retry_on):
        return False
    return plan.retry_on is None or isinstance(exception, plan.retry_on)


def _moment(after: Any, now: datetime) -> datetime:
    if isinstance(after, datetime):
        return after if after.tzinfo else after.astimezone()
    if isinstance(after, timedelta) and after < timedelta():
        return now
    if isinstance(after, (int, float)) and not math.isnan(after) and after < 0:
        return now
    return now + duration(after)
