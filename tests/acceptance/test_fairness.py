"""A slow task keeps no other job from a worker that has nothing to do."""

from __future__ import annotations

import pytest
from django.db import transaction

from tests.elsewhere import elsewhere
from tests.testapp.tasks import record

from . import tasks
from .workers import Gate, Start, await_effects, await_finished, effects

pytestmark = pytest.mark.django_db(transaction=True)


def test_idle_worker_gets_what_waits_behind_a_slow_task(
    start: Start, gate: Gate
) -> None:
    busy = start("--threads", 1, "--name", "busy")
    # It has learnt that tasks are fast, and would claim more than one.
    await_finished(record.enqueue_many(((f"quick {n}",), {}) for n in range(50)))
    slow = tasks.hold.enqueue("slow", str(gate))
    await_effects("slow:began")
    waiting = [record.enqueue(f"waiting {n}") for n in range(5)]
    idle = start("--threads", 1, "--name", "idle")
    await_finished(waiting)
    assert {result.attempts for result in waiting} == {1}
    assert all(result.worker_ids[0].startswith("idle") for result in waiting)
    gate.open()
    await_finished([slow])
    busy.stop()
    idle.stop()


@pytest.mark.parametrize(
    "workforce",
    [
        pytest.param(("--processes", 4, "--threads", 1), id="processes"),
        pytest.param(
            ("--processes", 1, "--threads", 4), id="threads", marks=pytest.mark.once
        ),
    ],
)
def test_no_job_waits_behind_a_slow_one_while_a_worker_is_free(
    start: Start, gate: Gate, workforce: tuple[str, ...]
) -> None:
    worker = start(*workforce)
    # All of them have learnt that tasks are fast, and claim many at once.
    await_finished(record.enqueue_many(((f"known {n}",), {}) for n in range(200)))
    with transaction.atomic():
        slow, quick = [], []
        for number in range(3):
            slow.append(tasks.hold.enqueue(f"slow {number}", str(gate)))
            calls = [((f"quick {number} {n}",), {}) for n in range(100)]
            quick += record.enqueue_many(calls)
    # Three of the four are held up; whatever these had claimed, the fourth runs.
    await_effects(*(f"slow {number}:began" for number in range(3)))
    await_finished(quick)
    assert not any(effects()[f"slow {number}:ended"] for number in range(3))
    # Those that come now find the free one as well.
    later = record.enqueue_many(((f"later {n}",), {}) for n in range(100))
    await_finished(later)
    assert not any(effects()[f"slow {number}:ended"] for number in range(3))
    assert {result.attempts for result in quick + later} == {1}
    gate.open()
    await_finished(slow)
    assert {result.attempts for result in slow} == {1}
    worker.stop()


@pytest.mark.only_on("postgresql", "mysql", "mariadb")
def test_cancelling_in_an_open_transaction_holds_up_no_worker(
    start: Start, gate: Gate
) -> None:
    held = tasks.hold.enqueue("held", str(gate))
    worker = start()
    await_effects("held:began")
    with transaction.atomic():
        assert held.cancel()
        # The worker finishes and claims although this is not committed.
        do_elsewhere("meanwhile")
    await_finished([held])
    assert held.outcome == "cancelled"
    worker.stop()


def do_elsewhere(key: str) -> None:
    """Enqueue a job on a connection of its own, and see it finished there."""
    with elsewhere() as other:
        result = other.run(lambda: record.enqueue(key))
        other.run(lambda: await_finished([result]))


@pytest.mark.once
def test_hook_that_fails_after_an_atomic_commit_changes_nothing(start: Start) -> None:
    result = tasks.commit_and_stumble.enqueue("committed")
    worker = start()
    await_finished([result])
    assert result.status == "SUCCESSFUL"
    assert effects() == {"committed": 1}
    worker.wait_for_line(f"{result.id}.*a hook after its commit failed")
    worker.wait_for_line(f"id={result.id} .*state=SUCCESSFUL")
    worker.stop()


def test_metadata_is_saved_inside_a_transaction(start: Start) -> None:
    result = tasks.tell_atomic_and_end.enqueue("told")
    start()
    await_finished([result])
    assert result.status == "SUCCESSFUL", result.errors
    assert result.metadata == {"stage": "inside"}
    assert effects() == {"told": 1}
