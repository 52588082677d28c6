"""People move, hasten and delete jobs while workers take them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import connection

from django_bgtasks.lifecycle.dispose import delete
from django_bgtasks.lifecycle.rearrange import move, run_now
from django_bgtasks.models import DeferredJob, Job, ReadyJob
from django_bgtasks.upkeep.promote import promote
from django_bgtasks.vendors import vendor_of
from tests.elsewhere import at_once
from tests.inline import InlineWorker

from . import tasks
from .test_races import drain, enqueue, keys_of


def in_parts(keys: list[UUID], deed: Any) -> list[UUID]:
    return [key for n in range(0, len(keys), 7) for key in deed(keys[n : n + 7])]


def test_job_is_deleted_or_run_but_never_both() -> None:
    results = enqueue(150)
    keys = keys_of(results)
    gone, _ = at_once(
        [
            lambda: in_parts(keys[::-1], lambda some: delete(connection, some)),
            lambda: drain(InlineWorker()),
        ]
    )
    drain(InlineWorker("last"))
    # What was run may have been deleted after its end.
    assert Job.objects.count() == 150 - len(gone)
    assert len(tasks.ran) == len(set(tasks.ran))
    assert set(Job.objects.values_list("pk", flat=True)) == set(keys) - set(gone)


def test_moved_job_runs_once() -> None:
    keys = keys_of(enqueue(150))
    at_once(
        [
            lambda: in_parts(
                keys[::-1], lambda some: move(connection, some, "mail", 5)
            ),
            lambda: drain(InlineWorker()),
        ]
    )
    drain(InlineWorker("last"))
    assert sorted(tasks.ran) == list(range(150))


def test_deferred_job_is_run_now_by_one_of_many() -> None:
    later = tasks.note.using(run_after=-60)
    keys = keys_of(enqueue(100, later))

    def beat() -> None:
        vendor = vendor_of(connection)
        while DeferredJob.objects.exists():
            promote(vendor, limit=3)

    def hasten() -> list[UUID]:
        return in_parts(keys[::-1], lambda some: run_now(connection, some))

    _, *done = at_once([beat, hasten, hasten])
    made = [key for some in done for key in some]
    assert len(made) == len(set(made))
    assert ReadyJob.objects.count() == 100
