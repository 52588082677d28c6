"""Which job a log record belongs to.

Add the filter to a handler in settings.LOGGING, and its format may use
``%(job_id)s``, ``%(task)s``, ``%(queue)s`` and ``%(attempt)s``. Outside of a job
they read ``-``. The package changes no logger but its own.
"""

from __future__ import annotations

import logging
from contextvars import ContextVar
from typing import Protocol
from unicodedata import category


class Running(Protocol):
    """What is told of a job that runs: read when a record is made, if one is."""

    id: str
    task_path: str
    queue_name: str
    attempt: int

    @property
    def public_id(self) -> str: ...


current_job: ContextVar[Running | None] = ContextVar("django_bgtasks_job", default=None)
# The fields of a record, and where they are found.
_FACTS = {
    "job_id": "public_id",
    "task": "task_path",
    "queue": "queue_name",
    "attempt": "attempt",
}


def one_line(text: str) -> str:
    """Return what a row or a user named, so that it makes no second line of a log."""
    if text.isprintable():
        return text
    return "".join(map(_shown, text))


def _shown(character: str) -> str:
    if character.isprintable() or category(character) == "Zs":
        return character
    return character.encode("unicode_escape").decode()


class JobFilter(logging.Filter):
    """Puts the running job's facts on every record."""

    def filter(self, record: logging.LogRecord) -> bool:
        job = current_job.get()
        for name, attribute in _FACTS.items():
            if not hasattr(record, name):
                setattr(record, name, "-" if job is None else getattr(job, attribute))
        return True
