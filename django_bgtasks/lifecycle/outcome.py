"""The values that the steps hand on: a job, its plan, its execution, its outcome."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextvars import Context
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from .. import payload, registry
from ..backoff import Backoff
from ..compat import TaskError, TaskResultStatus
from ..conf import Retention
from ..ids import dashed
from ..log_capture import Capture, Captured
from ..models import OutcomeKind
from ..results import BgTaskContext, BgTaskResult, Control, public
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
    # The database's time of the claim, and this host's monotonic time when its
    # answer had come: from then on the job waits here.
    claimed_at: datetime
    claimed_clock: float
    schedule_id: int | None = None
    scheduled_for: datetime | None = None
    past: Sequence[PastAttempt] = ()
    # What makes of this host's monotonic time the database's, in seconds.
    offset: float | None = field(default=None, compare=False)

    @property
    def public_id(self) -> str:
        """The id as results and people know it."""
        return dashed(self.id)

    def seconds(self, clock: float) -> float:
        """Turn this host's monotonic time into the database's, since 1970."""
        if self.offset is None:
            self.offset = self.claimed_at.timestamp() - self.claimed_clock
        # Whole microseconds, or each reader would round by ways of its own.
        return int((clock + self.offset) * 1e6) / 1e6

    def at(self, clock: float) -> datetime:
        """Turn this host's monotonic time into the database's."""
        return datetime.fromtimestamp(self.seconds(clock), UTC)


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


class Execution:
    """An attempt under way: its job's arguments, read, and what watches over it.

    Raise ValueError for a row that does not hold JSON where it belongs.
    """

    context: Context | None = None
    capture: Capture | None = None
    # What audience.records() has said of late; None to ask it.
    recorded: bool | None = None
    _result: BgTaskResult[Any, Any] | None = None
    _value: Any = None

    def __init__(
        self, job: ClaimedJob, plan: Plan, worker: str, control: Control, started: float
    ) -> None:
        self.job = job
        self.plan = plan
        self.worker = worker
        self.control = control
        # This host's monotonic time.
        self.started = started
        self.args: list[Any] = _loaded(job.args, list)
        self.kwargs: dict[str, Any] = _loaded(job.kwargs, dict)
        self.metadata = _loaded(job.metadata, dict) if job.metadata else {}

    @property
    def result(self) -> BgTaskResult[Any, Any]:
        """The attempt's TaskResult. It is made when it is first asked for."""
        if self._result is None:
            self._result = self._made()
        return self._result

    @property
    def has_result(self) -> bool:
        """Whether the TaskResult was asked for yet."""
        return self._result is not None

    def returned(self, value: Any) -> None:
        """Note what the task returned, in plain JSON types."""
        self._value = value
        if self._result is not None:
            object.__setattr__(self._result, "_return_value", value)

    @property
    def arguments(self) -> Iterable[Any]:
        """The positional arguments, with the context first if the task takes it."""
        if not self.plan.task.takes_context:
            return self.args
        context = BgTaskContext(task_result=self.result, control=self.control)
        return (context, *self.args)

    def masked(self, text: str) -> str:
        """Return a text without the sensitive ones of the job's arguments."""
        return self.plan.mask.text(text, self.args, self.kwargs)

    def log(self) -> Captured | None:
        """Return what was captured of the attempt's log so far."""
        captured = self.capture.captured() if self.capture else None
        if captured is None:
            return None
        return captured._replace(text=self.masked(captured.text))

    def _made(self) -> BgTaskResult[Any, Any]:
        job = self.job
        started_at = job.at(self.started)
        first = job.past[0].started_at if job.past else None
        result: BgTaskResult[Any, Any] = BgTaskResult(
            task=registry.as_enqueued(
                self.plan.task, -job.rank, job.queue_name, job.backend, job.run_after
            ),
            id=job.public_id,
            status=TaskResultStatus.RUNNING,
            enqueued_at=public(job.enqueued_at),
            started_at=public(first or started_at),
            last_attempted_at=public(started_at),
            finished_at=None,
            args=self.args,
            kwargs=self.kwargs,
            backend=job.backend,
            errors=[past.error for past in job.past if past.error],
            worker_ids=[*(past.worker for past in job.past), self.worker],
            metadata=self.metadata,
            schedule_id=job.schedule_id,
            scheduled_for=public(job.scheduled_for),
        )
        if self._value is not None:
            object.__setattr__(result, "_return_value", self._value)
        return result


def _loaded(text: str, kind: type) -> Any:
    value = payload.load(text)
    if not isinstance(value, kind):
        raise ValueError(f"The row holds {text[:80]!r} where JSON {kind} belongs.")
    return value


@dataclass(slots=True)
class Outcome:
    """How an attempt ended. ``kind`` is one of this module's words."""

    job: ClaimedJob
    kind: str
    # By the database's clock, in seconds since 1970.
    began: float | None = None
    ended: float | None = None
    return_value: str | None = None
    error: TaskError | None = None
    log: Captured | None = None
    run_after: datetime | None = None
    # For the signals, sent once the outcome is written. Of a job that could not
    # be started there may be no execution, and of an unknown task no plan.
    execution: Execution | None = None
    plan: Plan | None = None
    exception: BaseException | None = None
    # Whether the body's own transaction has written it already.
    written: bool = False

    @property
    def started_at(self) -> datetime | None:
        return None if self.began is None else datetime.fromtimestamp(self.began, UTC)

    @property
    def finished_at(self) -> datetime | None:
        return None if self.ended is None else datetime.fromtimestamp(self.ended, UTC)

    @property
    def seconds(self) -> float | None:
        """How long the attempt ran; None if it never began."""
        if self.began is None or self.ended is None:
            return None
        return self.ended - self.began

    @property
    def is_final(self) -> bool:
        return self.kind not in (RETRY, RELEASED)

    @property
    def keep(self) -> timedelta | None:
        retention = Retention() if self.plan is None else self.plan.retention
        return retention.of(self.kind == SUCCEEDED)
