"""When jobs run, and which: retries, deferral, priority, queues."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from django_bgtasks.lifecycle import operate
from django_bgtasks.models import FinishedJob, ReadyJob
from tests.testapp.models import Effect
from tests.testapp.tasks import record
from tests.waiting import eventually

from . import tasks
from .workers import (
    PATIENCE,
    Gate,
    Start,
    await_effects,
    await_finished,
    effects,
    unfinished,
)


def moments(key: str) -> list[datetime]:
    rows = Effect.objects.filter(key=key).order_by("pk")
    return list(rows.values_list("created_at", flat=True))


def order() -> list[str]:
    return list(Effect.objects.order_by("pk").values_list("key", flat=True))


def test_failed_attempts_are_followed_by_others_not_before_their_time(
    start: Start,
) -> None:
    result = tasks.fail_twice.enqueue("job")
    start("--threads", 1)
    await_finished([result])
    assert result.return_value == 3
    assert result.attempts == 3
    assert [each.exception_class_path for each in result.errors] == [
        "builtins.ValueError"
    ] * 2
    assert "time 2" in result.errors[1].traceback
    first, second, third = moments("job")
    # The task's backoff is 0.2 s.
    assert second - first >= timedelta(seconds=0.2)
    assert third - second >= timedelta(seconds=0.2)


@pytest.mark.once
def test_retry_after_a_time_that_the_task_names(start: Start) -> None:
    result = tasks.ask_for_more.enqueue("job", 0.3)
    start("--threads", 1)
    await_finished([result])
    assert result.return_value == 2
    first, second = moments("job")
    assert second - first >= timedelta(seconds=0.3)


@pytest.mark.parametrize("processes", [pytest.param(1, marks=pytest.mark.once), 2])
def test_deferred_jobs_start_in_their_order_and_not_before_their_time(
    start: Start, processes: int
) -> None:
    worker = start("--threads", 1, "--processes", processes)
    await_finished([record.enqueue("the worker is up")])
    due = {}
    for tenths in (9, 3, 6):
        key = f"in {tenths} tenths"
        due[key] = timezone.now() + timedelta(seconds=tenths / 10)
        record.using(run_after=due[key]).enqueue(key)
    now = record.enqueue("now")
    await_effects(*due)
    await_finished([now])
    assert order()[1:] == ["now", *sorted(due)]
    for key, moment in due.items():
        assert moments(key)[0] >= moment
    assert worker.stop() == 0


@pytest.mark.once
def test_deferred_job_is_not_waited_for_by_a_burst(start: Start) -> None:
    deferred = record.using(run_after=timedelta(hours=1)).enqueue("later")
    due = record.using(run_after=timedelta(seconds=-1)).enqueue("due")
    assert start("--burst").wait() == 0
    for result in (deferred, due):
        result.refresh()
    assert deferred.status == "READY"
    assert due.status == "SUCCESSFUL"


@pytest.mark.once
def test_priority_goes_before_age(start: Start) -> None:
    for number in range(4):
        for priority in (0, 50, -50, 100):
            record.using(priority=priority).enqueue(f"{priority} {number}")
    assert start("--threads", 1, "--burst").wait() == 0
    wanted = [
        f"{priority} {number}" for priority in (100, 50, 0, -50) for number in range(4)
    ]
    assert order() == wanted


def test_late_job_of_high_priority_overtakes(start: Start, gate: Gate) -> None:
    blocker = tasks.hold.enqueue("blocker", str(gate))
    # A worker that looks for coroutines might just hold the others.
    worker = start("--threads", 1, "--coroutines", 0)
    await_effects("blocker:began")
    low = record.using(priority=-10).enqueue_many(
        ((f"low {each}",), {}) for each in range(5)
    )
    high = record.using(priority=10).enqueue("high")
    gate.open()
    await_finished([blocker, high, *low])
    assert order()[2] == "high"
    assert worker.stop() == 0


def test_no_queue_starves_another(start: Start) -> None:
    """The backlog of one queue does not keep the others waiting for its end."""
    record.enqueue_many(((f"default {each}",), {}) for each in range(1200))
    for number in range(5):
        tasks.work_in_mail.enqueue(f"mail {number}")
        tasks.work_in_slow.enqueue(f"slow {number}")
    assert start("--threads", 1, "--burst").wait() == 0
    places = {key: place for place, key in enumerate(order())}
    assert len(places) == 1210
    last = max(place for key, place in places.items() if not key.startswith("default"))
    assert last < 900


def test_paused_queue_waits_until_it_is_resumed(start: Start) -> None:
    operate.pause(connection, "mail")
    paused = tasks.work_in_mail.enqueue("mail")
    worker = start("--threads", 1)
    await_finished([record.enqueue("other 1")])
    await_finished([record.enqueue("other 2")])
    paused.refresh()
    assert paused.status == "READY"
    operate.resume(connection, "mail")
    await_finished([paused])
    operate.pause(connection, "mail")
    again = tasks.work_in_mail.enqueue("again")
    await_finished([record.enqueue("other 3")])
    again.refresh()
    assert again.status == "READY"
    assert worker.stop() == 0


@pytest.mark.parametrize(
    ("flags", "served"),
    [
        (["--queues", "mail"], {"mail"}),
        (["--queues", "mail,slow"], {"mail", "slow"}),
        (["--exclude-queues", "mail"], {"default", "slow"}),
        (["--queues", "mail,slow", "--exclude-queues", "slow"], {"mail"}),
    ],
)
@pytest.mark.once
def test_only_the_chosen_queues_are_served(
    start: Start, flags: list[str], served: set[str]
) -> None:
    record.enqueue("default")
    tasks.work_in_mail.enqueue("mail")
    tasks.work_in_slow.enqueue("slow")
    assert start(*flags, "--burst").wait() == 0
    assert set(effects()) == served
    assert unfinished() == 3 - len(served)


def test_queues_are_found_where_the_settings_name_none(start: Start) -> None:
    record.enqueue("default")
    tasks.work_in_mail.enqueue("mail")
    worker = start("--threads", 1, wanted={"queues": []})
    await_effects("default", "mail")
    await_finished([tasks.work_in_slow.enqueue("slow")])
    assert worker.stop() == 0


@pytest.mark.once
def test_burst_on_an_empty_database_ends(start: Start) -> None:
    assert start("--burst", wanted={"queues": []}).wait() == 0
    assert start("--burst").wait() == 0


def test_burst_does_also_what_had_to_be_given_back_meanwhile(
    start: Start, gate: Gate
) -> None:
    """Short jobs are claimed ahead; those behind a slow one are given back."""
    for each in range(60):
        record.enqueue(f"before {each}")
    tasks.hold.enqueue("slow", str(gate))
    for each in range(60):
        record.enqueue(f"after {each}")
    worker = start("--threads", 1, "--burst")
    await_effects("slow:began")
    eventually(
        lambda: ReadyJob.objects.count() == 60, "the others to be given back", PATIENCE
    )
    gate.open()
    assert worker.wait() == 0
    assert unfinished() == 0
    assert FinishedJob.objects.count() == 121


@pytest.mark.once
def test_free_places_are_not_kept_waiting_by_slow_tasks(
    start: Start, make_gate: Any
) -> None:
    """Three of four places are held; all short jobs go through the one left."""
    gate = make_gate()
    slow = [tasks.hold.enqueue(f"slow {each}", str(gate)) for each in range(3)]
    worker = start("--processes", 2, "--threads", 2)
    await_effects("slow 0:began", "slow 1:began", "slow 2:began")
    short = record.enqueue_many(((f"short {each}",), {}) for each in range(300))
    await_finished(short)
    assert not set(effects()) & {f"slow {each}:ended" for each in range(3)}
    gate.open()
    await_finished(slow)
    assert {result.attempts for result in [*slow, *short]} == {1}
    assert worker.stop() == 0


@pytest.mark.once
def test_slow_and_short_tasks_share_the_places(start: Start, make_gate: Any) -> None:
    """Slow ones that come later do not hold up short ones that were claimed ahead."""
    gate = make_gate()
    worker = start("--processes", 2, "--threads", 2)
    await_finished(record.enqueue_many(((f"warm {each}",), {}) for each in range(200)))
    slow, short = [], []
    for number in range(3):
        slow.append(tasks.hold.enqueue(f"slow {number}", str(gate)))
        short += record.enqueue_many(
            ((f"short {number}.{each}",), {}) for each in range(40)
        )
    await_finished(short)
    await_effects("slow 0:began", "slow 1:began", "slow 2:began")
    gate.open()
    await_finished(slow)
    assert worker.stop() == 0


@pytest.mark.once
def test_coroutines_do_not_wait_for_threads(start: Start, gate: Gate) -> None:
    """All threads are held by slow tasks, and the event loop is idle."""
    slow = [tasks.hold.enqueue(f"slow {each}", str(gate)) for each in range(2)]
    worker = start("--threads", 2)
    await_effects("slow 0:began", "slow 1:began")
    result = tasks.write_async.enqueue("async")
    await_finished([result])
    gate.open()
    await_finished(slow)
    assert worker.stop() == 0


@pytest.mark.once
def test_threads_do_not_wait_for_coroutines(start: Start, gate: Gate) -> None:
    """All places on the event loop are held, and the threads are idle."""
    slow = [tasks.hold_async.enqueue(f"slow {each}", str(gate)) for each in range(3)]
    worker = start("--threads", 2, "--coroutines", 2)
    await_effects("slow 0:began", "slow 1:began")
    results = record.enqueue_many(((f"short {each}",), {}) for each in range(20))
    await_finished(results)
    gate.open()
    await_finished(slow)
    assert worker.stop() == 0
