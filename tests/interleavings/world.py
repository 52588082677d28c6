"""The rows of all tables: kept, put back, and looked at."""

from __future__ import annotations

from collections import defaultdict
from itertools import count
from typing import Any, NamedTuple
from uuid import UUID

from django.apps import apps
from django.db import connection

from django_bgtasks.models import (
    Attempt,
    DeferredJob,
    Failure,
    FinishedJob,
    Job,
    ReadyJob,
    RunningJob,
)
from tests.testapp.models import Effect

_numbers = count()
STATES = (ReadyJob, DeferredJob, RunningJob, FinishedJob)


class World:
    """Keeps the rows as they are when it is made."""

    def __init__(self) -> None:
        models = [*apps.get_app_config("django_bgtasks").get_models(), Effect]
        names = [model._meta.db_table for model in models]
        quote = connection.ops.quote_name
        self._statements = [f"DELETE FROM {quote(name)}" for name in names]
        self._kept: list[str] = []
        with connection.cursor() as cursor:
            for model, name in zip(models, names, strict=True):
                if model._default_manager.exists():
                    kept = quote(f"kept_{next(_numbers)}_{name}"[:60])
                    cursor.execute(
                        f"CREATE TEMPORARY TABLE {kept} AS SELECT * FROM {quote(name)}"
                    )
                    self._kept.append(kept)
                    self._statements.append(
                        f"INSERT INTO {quote(name)} SELECT * FROM {kept}"
                    )

    def restore(self) -> None:
        """Put all rows back."""
        statements = self._statements
        if connection.vendor == "postgresql":
            statements = ["; ".join(statements)]
        connection.set_autocommit(False)
        with connection.cursor() as cursor:
            for each in statements:
                cursor.execute(each)
        connection.commit()
        connection.set_autocommit(True)

    def forget(self) -> None:
        """Leave no row behind, and nothing that was kept."""
        with connection.cursor() as cursor:
            for statement in self._statements:
                if statement.startswith("DELETE"):
                    cursor.execute(statement)
            for kept in self._kept:
                cursor.execute(f"DROP TABLE {kept}")


class Place(NamedTuple):
    """Where a job stands: the table, and the row's number of the attempt."""

    table: str
    attempt: int


def places() -> dict[UUID, list[Place]]:
    """Return where each job stands, by one statement; [] for one that has no state."""
    names = {model._meta.db_table: model.__name__ for model in STATES}
    quote = connection.ops.quote_name
    parts = [
        f"SELECT '{table}', job_id, attempt FROM {quote(table)}" for table in names
    ]
    parts.append(f"SELECT '', id, 0 FROM {quote(Job._meta.db_table)}")
    found: dict[UUID, list[Place]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts))
        for table, key, attempt in cursor.fetchall():
            rows = found[UUID(str(key))]
            if table:
                rows.append(Place(names[table], attempt))
    return found


def look() -> tuple[Any, ...]:
    """Return what there is of jobs, without what differs from run to run."""
    parts: list[Any] = [
        sorted((str(key), rows) for key, rows in places().items()),
        sorted(FinishedJob.objects.values_list("job_id", "outcome", "worker")),
        sorted(Attempt.objects.values_list("job_id", "attempt", "outcome", "worker")),
        sorted(
            RunningJob.objects.values_list("job_id", "process_id", "cancel_requested")
        ),
        sorted(Failure.objects.values_list("job_id", flat=True)),
        sorted(Effect.objects.values_list("key", flat=True)),
    ]
    return tuple(map(repr, parts))
