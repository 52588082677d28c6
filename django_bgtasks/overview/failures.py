"""What failed, by task and exception: the latest so many failures, added up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Count as SQLCount
from django.db.models import Max, Min, Q
from django.db.models.functions import Right

from ..models import Attempt, Failure

# Failures that are added up, groups that are shown.
SAMPLE = 20_000
GROUPS = 50
_TAIL = 2_000


@dataclass(frozen=True, slots=True)
class Group:
    """Failed jobs of a task with one exception; ``message`` is that of the latest."""

    task: str
    exception: str
    number: int
    first: datetime
    last: datetime
    latest: UUID | None
    message: str


@dataclass(frozen=True, slots=True)
class Failures:
    """Groups of failures, the last seen first.

    Not ``whole`` where there are older failures than were added up, and ``older``
    is then the moment before which they lie; or where there are more groups.
    """

    groups: list[Group]
    older: datetime | None = None
    more_groups: bool = False

    @property
    def whole(self) -> bool:
        return self.older is None


def read_failures(
    alias: str, before: datetime | None = None, sample: int = SAMPLE
) -> Failures:
    """Add up the latest failures, or the latest before a moment, in four statements."""
    rows = Failure.objects.using(alias)
    if before is not None:
        rows = rows.filter(failed_at__lt=before)
    moments = rows.order_by("-failed_at").values_list("failed_at", flat=True)
    edge = next(iter(moments[sample - 1 : sample]), None)
    some = rows if edge is None else rows.filter(failed_at__gte=edge)
    found: list[Any] = list(
        some.values("task_path", "exception_class_path")
        .annotate(number=SQLCount("pk"), first=Min("failed_at"), last=Max("failed_at"))
        .order_by("-last")[: GROUPS + 1]
    )
    shown = found[:GROUPS]
    latest = _latest(alias, shown)
    messages = _messages(alias, list(latest.values()))
    groups = [_group(row, latest.get(_key(row)), messages) for row in shown]
    return Failures(groups, edge, len(found) > GROUPS)


def _key(row: dict[str, Any]) -> tuple[str, str]:
    return row["task_path"], row["exception_class_path"]


def _group(
    row: dict[str, Any], latest: UUID | None, messages: dict[UUID, str]
) -> Group:
    task, exception = _key(row)
    message = messages.get(latest, "") if latest else ""
    return Group(
        task, exception, row["number"], row["first"], row["last"], latest, message
    )


def _latest(alias: str, groups: list[dict[str, Any]]) -> dict[tuple[str, str], UUID]:
    if not groups:
        return {}
    each = Q()
    for row in groups:
        task, exception = _key(row)
        each |= Q(failed_at=row["last"], task_path=task, exception_class_path=exception)
    rows = Failure.objects.using(alias).filter(each)
    columns = ("task_path", "exception_class_path", "pk")
    return {(task, name): pk for task, name, pk in rows.values_list(*columns)}


def _messages(alias: str, job_ids: list[UUID]) -> dict[UUID, str]:
    """Return the last line of each job's last traceback."""
    rows = Attempt.objects.using(alias).filter(job_id__in=job_ids).order_by("attempt")
    tails = rows.values_list("job_id", Right("traceback", _TAIL))
    return {job_id: _last_line(tail) for job_id, tail in tails}


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1].strip() if lines else ""
