"""Set aside a running job whose row was spoiled by hand, so that others go on."""

from __future__ import annotations

import logging
from functools import partial
from uuid import UUID

from django.db import DataError, IntegrityError

from ..conf import Options
from ..exceptions import TaskLost
from ..models import (
    DeferredJob,
    Failure,
    FinishedJob,
    Job,
    OutcomeKind,
    ReadyJob,
    RunningJob,
    table_of,
)
from ..results import public
from ..vendors import Vendor
from .deaths import Death, path_of

logger = logging.getLogger("django_bgtasks.supervisor")

# What reading and moving such a row may raise.
SPOILED = (DataError, IntegrityError, ValueError, TypeError, OverflowError)


def set_aside(vendor: Vendor, death: Death, options: Options) -> list[UUID]:
    """Take the first job of a dead process out of RunningJob, and fail it as lost.

    One that stands in another table too stays there. Return the id of one that was
    failed.
    """
    return vendor.persist(partial(_set_aside, vendor, death, options))


def _set_aside(vendor: Vendor, death: Death, options: Options) -> list[UUID]:
    alias = vendor.connection.alias
    with vendor.atomic():
        mine = RunningJob.objects.using(alias).filter(process_id=death.process)
        # Nothing but the key: anything else may be what is spoiled.
        keys = vendor.skip_taken(mine.order_by("pk")).values_list("pk", flat=True)
        key = keys.first()
        if key is None:
            return []
        vendor.delete(table_of(RunningJob, vendor), [key.hex])
        if any(
            model.objects.using(alias).filter(pk=key).exists()
            for model in (ReadyJob, DeferredJob, FinishedJob)
        ):
            logger.error("Job %s was running and elsewhere; it stays there.", key)
            return []
        bodies = Job.objects.using(alias).filter(pk=key)
        path = bodies.values_list("task_path", flat=True).first()
        if path is None:
            return []
        _fail(vendor, key, path, death, options)
    logger.error(
        "The row of running job %s cannot be read or moved, so it is failed.", key
    )
    return [key]


def _fail(vendor: Vendor, key: UUID, path: str, death: Death, options: Options) -> None:
    alias, now, keep = vendor.connection.alias, vendor.now(), options.retention.failed
    FinishedJob.objects.using(alias).create(
        job_id=key,
        outcome=OutcomeKind.LOST,
        attempt=1,
        worker=death.name,
        finished_at=public(now),
        keep_until=None if keep is None else public(now + keep),
    )
    failure = Failure(
        job_id=key,
        task_path=path,
        exception_class_path=path_of(TaskLost),
        failed_at=public(now),
    )
    Failure.objects.using(alias).bulk_create([failure], ignore_conflicts=True)
