"""Orders: the job that a schedule wants at a due moment."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

from .. import payload, registry
from ..lifecycle.call import Common, check_lengths, checked
from ..lifecycle.enqueue import Order
from ..models import Schedule
from ..results import public


def order(
    backend: Any, schedule: Schedule, moment: datetime | None, now: datetime
) -> Order:
    """Return what to enqueue for a due moment, or for no moment if by hand.

    Raise UnknownTask, InvalidTask, or InvalidArguments (a TypeError).
    """
    task = _task(backend, schedule)
    limit = backend.settings.max_payload
    call = checked(task, (schedule.args, schedule.kwargs))
    texts = payload.dump(call[0], "args", limit), payload.dump(call[1], "kwargs", limit)
    return Order(
        task=task,
        call=call,
        texts=texts,
        common=_common(schedule, moment, now, limit),
        schedule_id=schedule.pk,
        scheduled_for=moment,
    )


def _task(backend: Any, schedule: Schedule) -> Any:
    task = registry.resolve(schedule.task_path, backend.settings.task_modules)
    priority = task.priority if schedule.priority is None else schedule.priority
    queue = schedule.queue_name or task.queue_name
    task = registry.as_enqueued(task, priority, queue, backend.alias)
    backend.validate_task(task)
    check_lengths(task)
    return task


def _common(
    schedule: Schedule, moment: datetime | None, now: datetime, limit: int
) -> Common:
    start = now
    if moment is not None and schedule.jitter:
        start += timedelta(seconds=random.uniform(0, schedule.jitter.total_seconds()))
    metadata = None
    if schedule.metadata is not None:
        normal = payload.normalize(schedule.metadata, "metadata")
        if not isinstance(normal, dict):
            raise ValueError("metadata must be a dict of JSON.")
        metadata = payload.dump(normal, "metadata", limit)
    return Common(
        run_after=public(start) if start > now else None,
        expires_at=public(start + schedule.expires) if schedule.expires else None,
        metadata=metadata,
    )
