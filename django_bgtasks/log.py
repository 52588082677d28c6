"""Which job a log record belongs to.

Add the filter to a handler in settings.LOGGING, and its format may use
``%(job_id)s``, ``%(task)s``, ``%(queue)s`` and ``%(attempt)s``. Outside of a job
they read ``-``. The package changes no logger but its own.
"""

from __future__ import annotations

import logging
from contextvars import ContextVar
from typing import NamedTuple


class JobFacts(NamedTuple):
    job_id: str = "-"
    task: str = "-"
    queue: str = "-"
    attempt: int | str = "-"


_NOBODY = JobFacts()
current_job: ContextVar[JobFacts] = ContextVar("django_bgtasks_job", default=_NOBODY)


def one_line(text: str) -> str:
    """Return what a row or a user named, so that it makes no second line of a log."""
    if text.isprintable():
        return text
    return text.encode("unicode_escape").decode()


class JobFilter(logging.Filter):
    """Puts the running job's facts on every record."""

    def filter(self, record: logging.LogRecord) -> bool:
        facts = current_job.get()
        for name, value in facts._asdict().items():
            if not hasattr(record, name):
                setattr(record, name, value)
        return True
