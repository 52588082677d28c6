"""Whether a signal or a log record would reach anybody.

Django connects receivers of its own to the signals of tasks: they write a record
at each start and each success, which by Django's own logging settings goes nowhere
outside of DEBUG. To make what nobody gets costs more than many a task.
"""

from __future__ import annotations

import logging
from types import FunctionType
from typing import Any

from django.conf import settings
from django.utils.log import RequireDebugTrue

from .compat import log_task_enqueued, log_task_finished, log_task_started

# Keys by which signals know Django's receivers.
_DJANGOS = {id(log_task_enqueued), id(log_task_started), id(log_task_finished)}
_logger = logging.getLogger(log_task_started.__module__.rpartition(".")[0])


def has_receivers(signal: Any) -> bool:
    """Whether a signal of tasks has receivers but Django's."""
    return any(receiver[0][0] not in _DJANGOS for receiver in signal.receivers)


def is_enqueue_heard(signal: Any) -> bool:
    """The same, or Django's may write: of what is enqueued it does at level DEBUG."""
    return _logger.isEnabledFor(logging.DEBUG) or has_receivers(signal)


def is_heard(signal: Any, recorded: bool | None = None) -> bool:
    """Whether a signal has receivers but Django's, or those write for somebody.

    For signals whose record is of level INFO: not for the end of a failed task.
    ``recorded`` is what records() has said just now, where that is known.
    """
    if has_receivers(signal):
        return True
    return bool(signal.receivers) and (records() if recorded is None else recorded)


def records() -> bool:
    """Whether what Django writes of tasks that start and succeed reaches anybody."""
    return reaches(_logger, logging.INFO)


def reaches(logger: logging.Logger, level: int) -> bool:
    """Whether a record of this level would reach a handler that may write it.

    In doubt it does: a filter may do what it likes.
    """
    if not logger.isEnabledFor(level):
        return False
    if logger.filters or not (_is_own(logger.handle) and _is_own(logger.callHandlers)):
        return True
    each: logging.Logger | None = logger
    any_handler = False
    while each is not None:
        for handler in each.handlers:
            any_handler = True
            if handler.level <= level and not _is_shut(handler):
                return True
        each = each.parent if each.propagate else None
    last = logging.lastResort
    return not any_handler and last is not None and last.level <= level


def _is_own(method: Any) -> bool:
    """Whether a logger's method is what Python has there.

    What watches an application takes the place of such a one, often before this
    module is imported.
    """
    function = getattr(method, "__func__", None)
    return type(function) is FunctionType and (function.__globals__ is logging.__dict__)


def _is_shut(handler: logging.Handler) -> bool:
    """Whether a handler writes nothing but with DEBUG, which is off."""
    return not settings.DEBUG and any(
        type(each) is RequireDebugTrue for each in handler.filters
    )
