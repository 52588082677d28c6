"""What the site's pages tell of a job at one moment, and how it is read."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.utils import timezone

from ..compat import TaskResultStatus
from ..models import Job, OutcomeKind
from ..overview.masks import mask_for
from ..results import Progress

# Neither arguments nor tracebacks, which are never shown here and may be long.
_COLUMNS = (
    "backend",
    "enqueued_at",
    "ready__attempt",
    "deferred__attempt",
    "deferred__run_after",
    "running__attempt",
    "running__claimed_at",
    "running__cancel_requested",
    "finished__outcome",
    "finished__attempt",
    "finished__started_at",
    "finished__finished_at",
    "saved_progress__done",
    "saved_progress__total",
)
_RETURN_VALUE = "finished__return_value"
# What it takes to know what of a return value must not be shown.
_MASKING = ("task_path", "sensitive")
# Ids in one statement: SQLite may take no more than 999.
_MOST = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A job at one moment, without anything that only its owner may know."""

    id: str
    backend: str
    status: str
    # ready, deferred or running; once it has finished, its outcome.
    state: str
    attempts: int
    progress: Progress | None
    cancel_requested: bool
    enqueued_at: datetime | None
    run_after: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    return_value: Any = None

    @property
    def finished(self) -> bool:
        return self.state in OutcomeKind.values

    def as_json(self, *, return_value: bool = False) -> dict[str, Any]:
        """Return what is told; the return value only where it is asked for."""
        told = {
            "id": self.id,
            "status": self.status,
            "state": self.state,
            "finished": self.finished,
            "outcome": self.state if self.finished else None,
            "progress": _progress_as_json(self.progress),
            "attempts": self.attempts,
            "cancel_requested": self.cancel_requested,
            "enqueued_at": _text(self.enqueued_at),
            "run_after": _text(self.run_after),
            "started_at": _text(self.started_at),
            "finished_at": _text(self.finished_at),
        }
        if return_value:
            told["return_value"] = self.return_value
        return told


def read(alias: str, job_id: UUID, *, return_value: bool = False) -> Snapshot | None:
    """Read a job in one statement; None if there is none, or no longer."""
    return read_many(alias, [job_id], return_value=return_value).get(job_id)


def read_many(
    alias: str, job_ids: Collection[UUID], *, return_value: bool = False
) -> dict[UUID, Snapshot]:
    """Read jobs in one statement for some hundreds of them."""
    columns: tuple[str, ...] = ("pk", *_COLUMNS)
    if return_value:
        columns = (*columns, _RETURN_VALUE, *_MASKING)
    found = {}
    for some in _portions(sorted(job_ids)):
        for row in Job.objects.using(alias).filter(pk__in=some).values(*columns):
            found[row["pk"]] = _snapshot(row["pk"], row)
    return found


def of_result(result: Any) -> Snapshot:
    """Make a snapshot of a result that is there already, of any backend."""
    status = TaskResultStatus(result.status)
    run_after = getattr(result, "run_after", None)
    return Snapshot(
        id=str(result.id),
        backend=result.backend,
        status=status.value,
        state=getattr(result, "outcome", None) or _state_by(status, run_after),
        attempts=result.attempts,
        progress=getattr(result, "progress", None),
        cancel_requested=getattr(result, "cancel_requested", False),
        enqueued_at=result.enqueued_at,
        run_after=run_after,
        started_at=result.last_attempted_at,
        finished_at=result.finished_at,
    )


def _state_by(status: TaskResultStatus, run_after: datetime | None) -> str:
    if status == TaskResultStatus.READY:
        return "deferred" if run_after else "ready"
    if status == TaskResultStatus.RUNNING:
        return "running"
    succeeded = status == TaskResultStatus.SUCCESSFUL
    return (OutcomeKind.SUCCEEDED if succeeded else OutcomeKind.FAILED).value


def _snapshot(job_id: UUID, row: Mapping[str, Any]) -> Snapshot:
    state, status, attempts = _state(row)
    done = row["saved_progress__done"]
    return Snapshot(
        id=str(job_id),
        backend=row["backend"],
        status=status.value,
        state=state,
        attempts=attempts,
        progress=(
            None if done is None else Progress(done, row["saved_progress__total"])
        ),
        cancel_requested=bool(row["running__cancel_requested"]),
        enqueued_at=row["enqueued_at"],
        run_after=row["deferred__run_after"],
        started_at=row["running__claimed_at"] or row["finished__started_at"],
        finished_at=row["finished__finished_at"],
        return_value=_return_value(row),
    )


def _portions(job_ids: Sequence[UUID]) -> Iterator[Sequence[UUID]]:
    for start in range(0, len(job_ids), _MOST):
        yield job_ids[start : start + _MOST]


def _return_value(row: Mapping[str, Any]) -> Any:
    value = row.get(_RETURN_VALUE)
    if value is None:
        return None
    mask = mask_for(row["task_path"], row["backend"], row["sensitive"])
    return mask.value(value)


def _state(row: Mapping[str, Any]) -> tuple[str, TaskResultStatus, int]:
    """Return where a job stands, its status, and how many attempts were begun."""
    if outcome := row["finished__outcome"]:
        succeeded = outcome == OutcomeKind.SUCCEEDED
        status = TaskResultStatus.SUCCESSFUL if succeeded else TaskResultStatus.FAILED
        return outcome, status, row["finished__attempt"]
    if attempt := row["running__attempt"]:
        return "running", TaskResultStatus.RUNNING, attempt
    following = row["ready__attempt"] or row["deferred__attempt"] or 1
    state = "deferred" if row["deferred__run_after"] else "ready"
    return state, TaskResultStatus.READY, following - 1


def _progress_as_json(progress: Progress | None) -> dict[str, float | None] | None:
    if progress is None:
        return None
    return {
        "done": progress.done,
        "total": progress.total,
        "percent": progress.percent,
    }


def _text(moment: datetime | None) -> str | None:
    """Write a moment so that it says its zone, whatever USE_TZ says."""
    if moment is None:
        return None
    if timezone.is_naive(moment):
        moment = timezone.make_aware(moment, timezone.get_default_timezone())
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
