"""``{% load bgtasks %}``: what shows a job on the site's own pages."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from django import template
from django.core.handlers.asgi import ASGIRequest
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from ..compat import DEFAULT_TASK_BACKEND_ALIAS, task_backends
from ..models import OutcomeKind
from ..results import Progress
from ..site import job_events_url, job_status_url, snapshot
from ..site.snapshot import Snapshot
from ..site.tokens import options_of

register = template.Library()


@register.inclusion_tag("django_bgtasks/job_progress.html", takes_context=True)
def job_progress(
    context: Any,
    job: Any,
    *,
    label: str = "",
    stream: bool | None = None,
    return_value: bool = False,
    backend: str = DEFAULT_TASK_BACKEND_ALIAS,
) -> dict[str, Any]:
    """Draw a bar that shows how far a job is, and follows it where there is a script.

    ``job`` is a result, or the id of a job of ``backend``; an id costs a statement.
    ``label`` is the bar's accessible name. ``stream`` says whether it listens to
    server-sent events or asks now and then; None streams under ASGI only, since
    under WSGI each stream holds a thread. With ``return_value`` the page's events
    tell what the task returned.

    Who gets the page can follow the job: draw it for those only who may.
    """
    shown = _find(job, backend)
    words = _words()
    state = "gone" if shown is None else shown.state
    drawn = {
        "job": shown,
        "label": label or _("Progress"),
        "state": state,
        "state_text": words[state],
        "words": json.dumps(words),
        "count_text": _count(shown.progress if shown else None),
        **_bar(shown),
    }
    if shown is not None and not shown.finished:
        drawn |= _addresses(context, shown, stream, return_value)
    return drawn


def _find(job: Any, backend: str) -> Snapshot | None:
    if hasattr(job, "status") and hasattr(job, "backend"):
        return snapshot.of_result(job)
    try:
        key = job if isinstance(job, UUID) else UUID(str(job))
    except ValueError:
        return None
    door: Any = task_backends[backend]
    found = snapshot.read(door.database, key)
    return found if found is not None and found.backend == backend else None


def _addresses(
    context: Any, job: Snapshot, stream: bool | None, return_value: bool
) -> dict[str, str]:
    """Return where the script follows the job; nowhere for other backends' jobs."""
    options = options_of(job.backend)
    if options is None:
        return {}
    found = {"status_url": job_status_url(job, return_value=return_value)}
    if stream is None:
        stream = isinstance(context.get("request"), ASGIRequest)
    if stream and options.status_stream:
        found["events_url"] = job_events_url(job, return_value=return_value)
    return found


def _bar(job: Snapshot | None) -> dict[str, Any]:
    """Return the bar's value and maximum; a value of None is a bar that swings.

    The script does the same with what it is told.
    """
    if job is None:
        return {"value": 0, "maximum": 1}
    if job.state == OutcomeKind.SUCCEEDED:
        return {"value": 1, "maximum": 1}
    if job.progress is not None and job.progress.total:
        percent = job.progress.percent or 0
        return {"value": percent, "maximum": 100}
    return {"value": None if job.state == "running" else 0, "maximum": 1}


def _count(progress: Progress | None) -> str:
    if progress is None:
        return ""
    if progress.total is None:
        return _number(progress.done)
    return _of(_number(progress.done), _number(progress.total))


def _number(value: float) -> str:
    """Write a number as the page's language does, and as the script will."""
    shown = int(value) if float(value).is_integer() else round(value, 2)
    return number_format(shown, use_l10n=True, force_grouping=True)


def _of(done: str, total: str) -> str:
    # Translators: how far a job is, such as "12 of 30".
    return _("%(done)s of %(total)s") % {"done": done, "total": total}


def _words() -> dict[str, str]:
    """Return what the script says, in the language of the page."""
    return {
        "ready": _("Waiting"),
        "deferred": _("Waiting"),
        "running": _("Running"),
        **{kind.value: str(kind.label) for kind in OutcomeKind},
        "gone": _("No longer kept"),
        "refused": _("To see how it goes on, load the page again."),
        "count": _of("{done}", "{total}"),
    }
