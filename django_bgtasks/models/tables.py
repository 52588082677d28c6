from __future__ import annotations

from dataclasses import replace

from django.db import models

from ..vendors import Table, Vendor
from .details import Failure, JobLink, JobLog
from .job import Attempt, JobProgress


def table_of(model: type[models.Model], vendor: Vendor) -> Table:
    """Describe a model's table to its vendor."""
    table = vendor.tables.get(model)
    if table is None:
        meta = model._meta
        assert meta.pk is not None
        table = vendor.tables[model] = Table(
            name=vendor.quote(meta.db_table),
            key=str(meta.pk.column),
            types={
                str(field.column): str(field.db_type(vendor.connection))
                for field in meta.concrete_fields
            },
        )
    return table


def attempts_of(vendor: Vendor) -> Table:
    """Describe the table of attempts by the job, of which there may be several."""
    table = table_of(Attempt, vendor)
    return replace(table, key="job_id", index="bgtasks_attempt_once")


def belongings_of(vendor: Vendor) -> list[Table]:
    """Describe what is kept of a job beside its body and its state, by the job."""
    logs = replace(table_of(JobLog, vendor), key="job_id", index="bgtasks_log_job")
    plain = [table_of(each, vendor) for each in (JobProgress, JobLink, Failure)]
    return [attempts_of(vendor), logs, *plain]
