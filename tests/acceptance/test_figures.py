"""Figures of real workers: what they counted is in the table when they have stopped."""

from __future__ import annotations

import pytest
from django.db.models import Sum

from django_bgtasks.models import Process, Rollup
from tests.testapp.tasks import fail, record
from tests.waiting import eventually

from .workers import PATIENCE, Start, await_finished


def counted() -> dict[str, int]:
    names = ("succeeded", "failed", "retried", "cancelled")
    return Rollup.objects.aggregate(**{name: Sum(name) for name in names})


def test_every_attempt_is_counted_once(start: Start) -> None:
    record.enqueue_many(((f"job {number}",), {}) for number in range(300))
    fail.enqueue_many(((f"failure {number}",), {}) for number in range(7))
    worker = start("--processes", 2, "--threads", 2, "--burst")
    assert worker.wait() == 0
    assert counted() == {"succeeded": 300, "failed": 7, "retried": 0, "cancelled": 0}
    waits = Rollup.objects.aggregate(sum=Sum("wait_sum"), ran=Sum("run_sum"))
    assert waits["sum"] > 0
    assert waits["ran"] > 0


def test_figures_are_written_though_nothing_follows(start: Start) -> None:
    worker = start("--threads", 1)
    await_finished([record.enqueue("alone")])
    eventually(lambda: counted()["succeeded"] == 1, "the figures", PATIENCE)
    worker.stop()
    assert counted()["succeeded"] == 1


@pytest.mark.once
def test_processes_tell_how_much_memory_they_take(start: Start) -> None:
    start("--threads", 1, options={"HEARTBEAT": 0.5, "RESCUE_AFTER": 5})

    def told() -> set[str]:
        rows = Process.objects.filter(memory__gt=10_000_000)
        return set(rows.values_list("kind", flat=True))

    eventually(lambda: told() == {"supervisor", "worker"}, "the memory", PATIENCE)
