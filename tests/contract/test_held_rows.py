"""Rows that another session holds, perhaps for long: nobody waits for them.

The session of a worker that stands still, or whose host is gone, keeps its locks
until the server ends it. What is done here takes nearly all rows of small tables,
since a planner may then read, and so lock, all of them.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connection, transaction

from django_bgtasks.models import (
    Attempt,
    DeferredJob,
    FinishedJob,
    Job,
    ReadyJob,
    RunningJob,
    attempts_of,
)
from tests.elsewhere import impatient

from .conftest import OWNER, START

pytestmark = pytest.mark.only_on("postgresql", "mariadb", "mysql")
MANY = 40


@pytest.fixture(autouse=True)
def no_waiting(committed) -> Iterator[None]:
    committed.prepare()
    with impatient():
        yield


def hold(other, model, key):
    """Lock a row in a transaction that stays open."""
    other.begin()
    other.run(lambda: model.objects.select_for_update().get(pk=key))


def divide(keys):
    """The one to be held, from the midst, and the others."""
    middle = len(keys) // 2
    return keys[middle], [*keys[:middle], *keys[middle + 1 :]]


def test_ready_job_is_not_waited_for_by_a_claim(committed, other):
    held, rest = divide(committed.ready(MANY))
    hold(other, ReadyJob, held)
    assert committed.taken(limit=MANY).rows
    assert committed.keys(RunningJob) == set(rest)
    other.rollback()


def test_claim_that_is_not_committed_is_not_waited_for_by_another(committed, other):
    committed.ready(MANY)
    other.run(committed.prepare)
    other.begin()
    mine = other.run(lambda: committed.take(limit=MANY // 2, owner=1))
    theirs = committed.take(limit=MANY // 4, owner=2)
    assert len(theirs) == MANY // 4
    assert committed.swap(committed.finish(theirs, owner=2)) == set(theirs)
    other.commit()
    assert committed.keys(RunningJob) == set(mine)


def test_running_job_is_not_waited_for_by_a_finish(committed, other):
    held, rest = divide(committed.running(MANY))
    hold(other, RunningJob, held)
    assert committed.swap(committed.finish(rest)) == set(rest)
    assert committed.keys(FinishedJob) == set(rest)
    other.rollback()
    assert committed.swap(committed.finish([held])) == {held}


def test_job_that_is_not_kept_waits_for_no_other(committed, other):
    """What is deleted with it: the body, which an open enqueue may stand beside."""
    keys = committed.running(MANY)
    attempts = committed.insert(
        Attempt,
        ("job_id", "attempt", "outcome", "worker", "exception_class_path", "traceback"),
        [(key, 1, "lost", "w", "", "") for key in keys],
        ("finished_at",),
    )
    committed.vendor.put([attempts])
    held, rest = divide(keys)
    other.begin()
    other.run(lambda: Attempt.objects.select_for_update().get(job_id=held))
    (enqueued,) = other.run(committed.ready)
    swap = committed.finish(
        rest,
        deletes=[(attempts_of(committed.vendor), rest), (committed.table(Job), rest)],
    )
    assert committed.swap(swap) == set(rest)
    other.commit()
    assert committed.keys(Job) == {held, enqueued}
    assert Attempt.objects.get().job_id.hex == held


def test_deferred_job_is_not_waited_for_by_a_promotion(committed, other):
    held, rest = divide(committed.deferred([START] * MANY))
    hold(other, DeferredJob, held)
    assert committed.move() == len(rest)
    assert committed.keys(ReadyJob) == set(rest)
    other.rollback()


def test_rows_are_locked_by_key_without_waiting_for_others(committed, other):
    held, rest = divide(committed.running(MANY))
    hold(other, RunningJob, held)
    table = committed.table(RunningJob)
    with transaction.atomic():
        rows = committed.vendor.lock(table, rest, ("attempt", "process_id"))
    assert sorted(rows) == [(key, 1, OWNER) for key in sorted(rest)]
    other.rollback()


@pytest.mark.only_on("mariadb")
def test_session_of_a_worker_that_is_silent_in_a_transaction_is_ended(committed):
    with connection.cursor() as cursor:
        cursor.execute("SELECT @@SESSION.idle_transaction_timeout")
        (seconds,) = cursor.fetchone()
    # In time for the rescue, 20 seconds after the worker's last word.
    assert 0 < seconds < 20
