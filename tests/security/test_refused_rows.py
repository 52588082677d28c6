"""A row that the database refuses is quoted in no log, no error and no page."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import DatabaseError, IntegrityError, connection

from django_bgtasks import task
from django_bgtasks.compat import task_backends
from django_bgtasks.models import Attempt, FinishedJob, Job, Plan, Schedule
from django_bgtasks.periodic import tick
from django_bgtasks.vendors import without_row
from tests.inline import InlineWorker

pytestmark = [
    pytest.mark.django_db(transaction=True),
    # SQLite adds no constraint to a table that is there.
    pytest.mark.only_on("postgresql", "mariadb", "mysql"),
]

SECRET = "hunter2-correct-horse"
Refuse = Callable[[Any, str], AbstractContextManager[None]]


@task(sensitive=("pin",))
def keep(pin: str) -> dict[str, str]:
    return {"kept": pin, "pin": pin[::-1]}


@task(sensitive=("pin",), atomic=True)
def keep_atomic(pin: str) -> dict[str, str]:
    return {"kept": pin, "pin": pin[::-1]}


@pytest.fixture
def refused(caplog: pytest.LogCaptureFixture) -> Refuse:
    """Have a table refuse what has a value in a column, while a block runs."""
    caplog.set_level(logging.DEBUG)
    # Django's own log of statements has what they carry, as for every model.
    caplog.set_level(logging.WARNING, logger="django.db.backends")

    @contextmanager
    def refuse(model: Any, column: str) -> Iterator[None]:
        table = connection.ops.quote_name(model._meta.db_table)
        with connection.cursor() as cursor:
            cursor.execute(
                f"ALTER TABLE {table} ADD CONSTRAINT bgtasks_no_pins "
                f"CHECK ({column} IS NULL OR {column} NOT LIKE '%hunter2%')"
            )
            try:
                yield
            finally:
                cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT bgtasks_no_pins")

    return refuse


def hides(text: str) -> bool:
    return SECRET not in text and SECRET[::-1] not in text


@pytest.mark.parametrize("function", [keep, keep_atomic])
def test_outcome_that_is_refused_is_told_without_its_row(
    refused: Refuse, caplog: pytest.LogCaptureFixture, function: Any
) -> None:
    worker = InlineWorker()
    with refused(FinishedJob, "return_value"):
        result = worker.run_result(function.enqueue(SECRET))
    (error,) = result.errors
    (attempt,) = Attempt.objects.all()
    assert "bgtasks_no_pins" in error.traceback
    assert result.status.value == "FAILED"
    assert hides(error.traceback)
    assert hides(attempt.traceback)
    assert "bgtasks_no_pins" in caplog.text
    assert hides(caplog.text)


def test_sensitive_argument_in_what_a_database_says_is_hidden(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = InlineWorker()
    result = keep.enqueue(SECRET)
    (job,) = worker.claim()
    outcome = worker.execute(job)
    persist, errors = worker.vendor.persist, [IntegrityError(f"no {SECRET}")] * 2

    def failing(work: Any) -> Any:
        if errors:
            raise errors.pop()
        return persist(work)

    monkeypatch.setattr(worker.vendor, "persist", failing)
    worker.turn([outcome])
    result.refresh()
    assert "IntegrityError: no ********" in result.errors[0].traceback
    assert "IntegrityError: no ********" in caplog.text
    assert hides(caplog.text + result.errors[0].traceback)


@pytest.fixture
def schedule(db: None) -> Schedule:
    return Schedule.objects.create(
        name="nightly",
        task_path=keep.module_path,
        args=[SECRET],
        crontab="* * * * *",
    )


def test_job_of_a_schedule_that_is_refused_is_told_without_it(
    refused: Refuse, caplog: pytest.LogCaptureFixture, schedule: Schedule
) -> None:
    worker = InlineWorker("beat")
    backend: Any = task_backends["default"]
    tick.look(worker.vendor, backend)
    past = worker.vendor.now().replace(second=0, microsecond=0)
    Plan.objects.update(next_run_at=past, wake_at=past)
    with refused(Job, "args"):
        tick.look(worker.vendor, backend)
    assert not Job.objects.exists()
    assert "bgtasks_no_pins" in Plan.objects.get().error
    assert hides(Plan.objects.get().error)
    assert "bgtasks_no_pins" in caplog.text
    assert hides(caplog.text)


def test_command_says_what_is_refused_without_it(
    refused: Refuse, schedule: Schedule
) -> None:
    with refused(Job, "args"), pytest.raises(CommandError) as caught:
        call_command("bgtasks", "schedules", "run", "nightly")
    assert "bgtasks_no_pins" in str(caught.value)
    assert hides(str(caught.value))


def test_error_keeps_its_class_and_its_frames(refused: Refuse) -> None:
    with refused(Job, "args"), pytest.raises(DatabaseError) as caught:
        keep.enqueue(SECRET)
    told = without_row(caught.value)
    assert type(told) is type(caught.value)
    assert told.__traceback__ is caught.value.__traceback__
    assert hides(str(told))
    error = ValueError("no database's")
    assert without_row(error) is error
