"""The values that the steps hand on: a claimed job, its plan, its outcome."""

from __future__ import annotations

from contextvars import Context
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from ..backoff import Backoff
from ..compat import TaskError
from ..conf import Retention
from ..log_capture import Captured
from ..models import OutcomeKind
from ..sensitive import Mask

SUCCEEDED = OutcomeKind.SUCCEEDED.value
FAILED = OutcomeKind.FAILED.value
CANCELLED = OutcomeKind.CANCELLED.value
EXPIRED = OutcomeKind.EXPIRED.value
LOST = OutcomeKind.LOST.value
# Not the end of the job: another attempt follows, or this one never counted.
RETRY = "retry"
RELEASED = "released"


@dataclass(frozen=True, slots=True)
class PastAttempt:
    """An earlier attempt, as ``TaskResult.errors`` and ``worker_ids`` tell it."""

    attempt: int
    worker: str
    started_at: datetime | None
    error: TaskError | None


@dataclass(slots=True)
class ClaimedJob:
    """A job that is this process's to run. Payloads are still JSON text."""

    id: str
    attempt: int
    queue_name: str
    rank: int
    ready_at: datetime
    task_path: str
    backend: str
    args: str
    kwargs: str
    metadata: str | None
    run_after: datetime | None
    expires_at: datetime | None
    enqueued_at: datetime
    # The database's time of the claim, and this host's monotonic time at it.
    claimed_at: datetime
    claimed_clock: float
    schedule_id: int | None = None
    scheduled_for: datetime | None = None
    past: list[PastAttempt] = field(default_factory=list)

    @property
    def public_id(self) -> str:
        """The id as results and people know it."""
        return str(UUID(self.id))

    def at(self, clock: float) -> datetime:
        """Turn this host's monotonic time into the database's."""
        return self.claimed_at + timedelta(seconds=clock - self.claimed_clock)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is known of a task before its job runs."""

    task: Any
    sender: type
    is_async: bool
    atomic: bool
    max_attempts: int
    backoff: Backoff
    timeout: float | None
    retry_on: tuple[type[BaseException], ...] | None
    no_retry_on: tuple[type[BaseException], ...]
    retention: Retention
    max_payload: int
    mask: Mask = Mask()
    # From which level on its log is captured; None for not at all.
    log_level: int | None = None


@dataclass(slots=True)
class Outcome:
    """How an attempt ended. ``kind`` is one of this module's words."""

    job: ClaimedJob
    kind: str
    started_at: datetime | None = None
    finished_at: datetime | None = None
    return_value: str | None = None
    error: TaskError | None = None
    log: Captured | None = None
    run_after: datetime | None = None
    retention: Retention = Retention()
    # For the signals, sent once the outcome is written.
    sender: type | None = None
    result: Any = None
    exception: BaseException | None = None
    context: Context | None = None
    # Whether the body's own transaction has written it already.
    written: bool = False

    @property
    def is_final(self) -> bool:
        return self.kind not in (RETRY, RELEASED)

    @property
    def keep(self) -> timedelta | None:
        return self.retention.of(self.kind == SUCCEEDED)
