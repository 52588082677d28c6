"""What the templates of jobs and failures need; see ``bgtasks_admin`` on imports."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import template

from ..overview.details import Try

register = template.Library()


@register.filter
def state_label(state: str) -> Any:
    """Say where a job stands."""
    from ..admin.job_page import state_label as label_of

    return label_of(state)


@register.filter
def took(attempt: Try) -> timedelta | None:
    """Return how long an attempt took."""
    if attempt.started_at is None or attempt.finished_at is None:
        return None
    return attempt.finished_at - attempt.started_at


@register.filter
def short_task(path: str) -> str:
    """Return the end of a task's path: its module and its name."""
    return ".".join(path.split(".")[-2:]) if path.count(".") > 2 else path


@register.filter
def class_name(path: str) -> str:
    """Return a class's name without its module."""
    return path.rpartition(".")[2]
