"""The options of ``runworker``, as flags and as environment variables."""

from __future__ import annotations

from typing import Any

import pytest

from django_bgtasks.models import Process
from tests.testapp.tasks import record
from tests.waiting import eventually

from . import tasks
from .workers import (
    PATIENCE,
    Gate,
    Start,
    await_effects,
    await_end,
    await_finished,
    unfinished,
)

try:
    import django.tasks  # noqa: F401

    DUMMY = "django.tasks.backends.dummy.DummyBackend"
except ImportError:
    DUMMY = "django_tasks.backends.dummy.DummyBackend"


def workers_of(results: list[Any]) -> list[str]:
    return sorted({result.worker_ids[-1] for result in results})


@pytest.mark.parametrize("burst", [False, True])
@pytest.mark.once
def test_processes_are_replaced_after_so_many_jobs(start: Start, burst: bool) -> None:
    results = [tasks.tell_process.enqueue(str(each)) for each in range(12)]
    flags = ["--burst"] if burst else []
    worker = start("--threads", 1, "--max-jobs", 4, *flags)
    await_finished(results)
    assert (worker.wait() if burst else worker.stop()) == 0
    pids = [result.return_value for result in results]
    assert {pids.count(pid) for pid in pids} == {4}
    assert len(workers_of(results)) == 3
    assert {result.attempts for result in results} == {1}
    assert unfinished() == 0


@pytest.mark.once
def test_process_that_takes_too_much_memory_is_replaced(start: Start) -> None:
    worker = start("--threads", 1, "--max-memory", 250)
    first = tasks.hoard.enqueue("first", 300)
    await_finished([first])
    eventually(
        lambda: (
            [each.pid for each in worker.processes()] not in ([], [first.return_value])
        ),
        "another process",
        PATIENCE,
    )
    second = tasks.tell_process.enqueue("second")
    await_finished([second])
    assert second.return_value != first.return_value
    assert {first.attempts, second.attempts} == {1}
    assert worker.stop() == 0


@pytest.mark.once
def test_environment_stands_in_for_flags(start: Start) -> None:
    record.enqueue("default")
    tasks.work_in_mail.enqueue("mail")
    worker = start(
        BGTASKS_QUEUES="mail",
        BGTASKS_PROCESSES="2",
        BGTASKS_THREADS="3",
        BGTASKS_COROUTINES="5",
        BGTASKS_NAME="from-environment",
        BGTASKS_GRACE="7",
    )
    await_effects("mail")
    rows = eventually(
        lambda: (
            Process.objects.filter(kind="worker").count() == 2
            and list(Process.objects.filter(kind="worker"))
        )
    )
    for row in rows:
        assert row.queues == "mail"
        assert row.capacity == 8
        assert row.name.startswith("from-environment-")
    assert worker.stop() == 0
    worker.wait_for_line("may end within 7 s")
    assert unfinished() == 1


@pytest.mark.once
def test_flag_goes_before_the_environment(start: Start) -> None:
    worker = start("--burst", "--queues", "slow", BGTASKS_QUEUES="mail")
    tasks.work_in_mail.enqueue("mail")
    assert worker.wait() == 0
    assert unfinished() == 1


@pytest.mark.once
def test_burst_can_be_asked_for_by_the_environment(start: Start) -> None:
    result = record.enqueue("job")
    assert start(BGTASKS_BURST="yes").wait() == 0
    result.refresh()
    assert result.status == "SUCCESSFUL"


@pytest.mark.once
@pytest.mark.parametrize(
    ("flags", "environment", "message"),
    [
        (["--threads", "0"], {}, "argument --threads: '0' is no whole number"),
        (["--threads", "many"], {}, "argument --threads: 'many' is no whole number"),
        (["--processes", "-1"], {}, "argument --processes"),
        (["--coroutines", "-1"], {}, "argument --coroutines"),
        (["--max-jobs", "0"], {}, "argument --max-jobs"),
        (["--max-memory", "1.5"], {}, "argument --max-memory"),
        (["--grace", "soon"], {}, "argument --grace: 'soon' is no number of seconds"),
        (["--grace", "nan"], {}, "argument --grace"),
        (["--queues", ","], {}, "argument --queues: names no queue"),
        (["--speed", "11"], {}, "unrecognized arguments: --speed"),
        ([], {"BGTASKS_THREADS": "few"}, "BGTASKS_THREADS='few': 'few' is no whole"),
        ([], {"BGTASKS_GRACE": "-1"}, "BGTASKS_GRACE='-1'"),
        ([], {"BGTASKS_BURST": "perhaps"}, "BGTASKS_BURST='perhaps'"),
    ],
)
def test_what_cannot_be_is_refused_by_its_name(
    start: Start, flags: list[str], environment: dict[str, str], message: str
) -> None:
    worker = start(*flags, **environment)
    assert worker.wait() == 2
    assert message in worker.output
    assert "Traceback" not in worker.output


@pytest.mark.once
@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--queues", "post"], "--queues: 'post' is not in TASKS['default']['QUEUES']"),
        (["--exclude-queues", "post"], "--exclude-queues: 'post' is not in"),
        (["--backend", "other"], "--backend other"),
        (["--backend", "dummy"], "is DummyBackend, not"),
        (["--name", "x" * 33], "--name: at most 32 characters"),
    ],
)
def test_what_does_not_fit_the_settings_is_refused(
    start: Start, flags: list[str], message: str
) -> None:
    dummy = {"BACKEND": DUMMY, "QUEUES": ["default"]}
    worker = start(*flags, wanted={"backends": {"dummy": dummy}})
    assert worker.wait() == 1
    assert message in worker.output
    assert "Traceback" not in worker.output


@pytest.mark.once
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"TIMEOUT": "soon"}, "TASKS['default']['OPTIONS']['TIMEOUT'] is invalid"),
        ({"HEARTBEAT": 30}, "RESCUE_AFTER"),
        ({"RETENTOIN": 0}, "Did you mean 'RETENTION'"),
    ],
)
def test_bad_options_in_the_settings_are_told_of(
    start: Start, options: dict[str, Any], message: str
) -> None:
    worker = start(options=options)
    assert worker.wait() == 1
    assert message in worker.output


@pytest.mark.once
def test_help_tells_of_every_option(start: Start) -> None:
    worker = start("--help")
    assert worker.wait() == 0
    for flag in ("queues", "exclude-queues", "processes", "threads", "coroutines"):
        assert f"--{flag} " in worker.output
    for flag in ("burst", "max-jobs", "max-memory", "grace", "name", "reload"):
        assert f"--{flag}" in worker.output


@pytest.mark.once
def test_long_job_of_a_process_that_is_replaced_may_end(
    start: Start, gate: Gate
) -> None:
    """Whatever the grace is, and others do not wait for it."""
    long = tasks.hold.enqueue("long", str(gate))
    worker = start("--threads", 2, "--max-jobs", 3, "--grace", 0)
    await_effects("long:began")
    first = worker.process()
    await_finished([record.enqueue(f"short {each}") for each in range(10)])
    assert first.is_running()
    assert len(worker.processes()) > 1
    gate.open()
    await_finished([long])
    assert long.status == "SUCCESSFUL"
    assert long.attempts == 1
    await_end(first)
    assert worker.stop() == 0
