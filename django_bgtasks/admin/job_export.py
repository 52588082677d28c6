"""Jobs as a file, of any length: read and written a few at a time."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Value
from django.db.models.functions import Coalesce, Length
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from ..ids import uuid7
from ..models import Failure, FinishedJob, Job
from ..overview.jobs import JobLine, lines_of
from ..overview.masks import mask_for
from ..overview.terms import Terms
from ..overview.walk import next_batch
from ..payload import printable
from . import live
from .base import RowsOfBackend, database
from .job_terms import read_terms

_BATCH = 500
# Bytes of arguments that are held at a time; a job has at most a few megabytes.
_MOST_HELD = 4_000_000
_FACTS = ("id", "state", "task", "queue", "priority", "attempt", "enqueued_at", "at")
_VALUES = ("args", "kwargs", "metadata", "return_value")
# A spreadsheet takes what begins so for a formula (OWASP, "CSV Injection"); in Japanese
# and Chinese also what begins with the wide forms.
_FORMULA = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")


class ExportOfJobs(RowsOfBackend):
    def export_view(self, request: HttpRequest, kind: str) -> Any:
        live.require(request, "view_job")
        may_see = live.may(request, "view_job_arguments")
        form = read_terms(request.GET, may_search=may_see)
        if form.errors:
            text = _("The filter is not valid, so there is nothing to export.")
            self.message_user(request, text, messages.WARNING)
            address = reverse("admin:django_bgtasks_job_changelist")
            return HttpResponseRedirect(f"{address}?{form.query}")
        if kind not in _KINDS:
            return HttpResponse(_("There is no such format."), status=404)
        _note(request, kind, form.words)
        content_type, write = _KINDS[kind]
        names = (*_FACTS, "exception", *(_VALUES if may_see else ()))
        rows = _rows(database(), form.terms, with_values=may_see)
        response = StreamingHttpResponse(write(names, rows), content_type=content_type)
        response["Content-Disposition"] = f'attachment; filename="jobs.{kind}"'
        return response


def _note(request: HttpRequest, kind: str, words: str) -> None:
    """Keep in the log of the admin who took jobs away."""
    user: Any = request.user
    LogEntry.objects.create(
        user=user,
        content_type=ContentType.objects.get_for_model(Job, for_concrete_model=False),
        action_flag=CHANGE,
        object_repr=words[:200],
        change_message=f"Export ({kind}): {words}",
    )


def _rows(alias: str, terms: Terms, *, with_values: bool) -> Iterator[dict[str, Any]]:
    until, after = uuid7(), None
    while True:
        ids, after = next_batch(alias, terms, until, after, _BATCH)
        yield from _facts(alias, ids, with_values=with_values)
        if after is None:
            return


def _facts(
    alias: str, ids: list[UUID], *, with_values: bool
) -> Iterator[dict[str, Any]]:
    if not ids:
        return
    lines = sorted(lines_of(alias, ids), key=lambda line: line.id)
    failures = Failure.objects.using(alias).filter(pk__in=ids)
    exceptions = dict(failures.values_list("pk", "exception_class_path"))
    portions = _portions(alias, ids) if with_values else [set(ids)]
    for portion in portions:
        values = _values(alias, portion) if with_values else {}
        for line in lines:
            if line.id in portion:
                exception = exceptions.get(line.id, "")
                yield {**_line(line, exception), **values.get(line.id, {})}


def _line(line: JobLine, exception: str) -> dict[str, Any]:
    return {**{name: getattr(line, name) for name in _FACTS}, "exception": exception}


def _portions(alias: str, ids: list[UUID]) -> list[set[UUID]]:
    """Divide jobs so that the values of each part fit into memory."""
    size = Length("args") + Length("kwargs")
    size += Coalesce(Length("metadata"), Value(0))
    size += Coalesce(Length("finished__return_value"), Value(0))
    rows = Job.objects.using(alias).filter(pk__in=ids).order_by("pk")
    portions: list[set[UUID]] = [set()]
    held = 0
    for pk, length in rows.annotate(size=size).values_list("pk", "size"):
        if held and held + length > _MOST_HELD:
            portions.append(set())
            held = 0
        portions[-1].add(pk)
        held += length
    return portions


def _values(alias: str, ids: set[UUID]) -> dict[UUID, dict[str, Any]]:
    columns = ("pk", "task_path", "backend", "sensitive", "args", "kwargs", "metadata")
    rows = Job.objects.using(alias).filter(pk__in=ids).values_list(*columns)
    ended = FinishedJob.objects.using(alias).filter(pk__in=ids)
    returned = dict(ended.values_list("pk", "return_value"))
    found = {}
    for pk, path, backend, kept, args, kwargs, metadata in rows:
        mask = mask_for(path, backend, kept)
        value = returned.get(pk)
        found[pk] = {
            "args": mask.args(args),
            "kwargs": mask.kwargs(kwargs),
            "metadata": None if metadata is None else mask.value(metadata),
            "return_value": None if value is None else mask.value(value),
        }
    return found


def _csv(names: tuple[str, ...], rows: Iterator[dict[str, Any]]) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield writer.writerow(names)
    for row in rows:
        yield writer.writerow([_cell(name, row.get(name)) for name in names])


def _json(names: tuple[str, ...], rows: Iterator[dict[str, Any]]) -> Iterator[str]:
    separator = "[\n"
    for row in rows:
        text = json.dumps(
            {name: row.get(name) for name in names}, default=_plain, ensure_ascii=False
        )
        yield f"{separator}{printable(text)}"
        separator = ",\n"
    yield "[]\n" if separator == "[\n" else "\n]\n"


class _Echo:
    """A file that hands back what is written to it."""

    def write(self, text: str) -> str:
        return text


def _cell(name: str, value: Any) -> Any:
    if name in _VALUES:
        text = json.dumps(value, ensure_ascii=False)
        return "" if value is None else printable(text)
    text = str(_plain(value)) if isinstance(value, (UUID, datetime)) else str(value)
    return f"'{text}" if text.startswith(_FORMULA) and name != "priority" else text


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return (
            timezone.localtime(value) if timezone.is_aware(value) else value
        ).isoformat()
    return str(value)


_KINDS: dict[str, tuple[str, Callable[..., Iterator[str]]]] = {
    "csv": ("text/csv; charset=utf-8", _csv),
    "json": ("application/json", _json),
}
