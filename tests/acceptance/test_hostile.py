"""Tasks that do what no task should, and the worker that serves on."""

from __future__ import annotations

from typing import Any

import pytest

from django_bgtasks.models import Job, JobProgress
from tests.testapp.tasks import record

from . import hostile, tasks
from .workers import Start, await_effects, await_finished, effects, unfinished

INVALID = "django_bgtasks.exceptions.InvalidArguments"

# What each does to its own job: the exception that it is FAILED with, or None.
FATES: list[tuple[Any, tuple[Any, ...], str | None]] = [
    (hostile.close_connection, (), None),
    (hostile.break_connection, (), None),
    (hostile.leave_transaction_open, ("left open",), None),
    (hostile.leave_autocommit_off, ("not committed",), None),
    (hostile.change_signal_handlers, (), "builtins.ValueError"),
    (hostile.ignore_signals, (), None),
    (hostile.leave_thread, (), None),
    (hostile.raise_unprintable, (), "tests.acceptance.hostile.Unprintable"),
    (hostile.raise_fundamental, (), "tests.acceptance.hostile.Fundamental"),
    (hostile.raise_odd_members, (), "tests.acceptance.hostile.WithOddMembers"),
    (hostile.raise_at_length, (), "builtins.ValueError"),
    (hostile.print_binary, (), None),
    (hostile.return_no_json, (), INVALID),
    (hostile.return_nul, (), INVALID),
    (hostile.return_surrogate, (), INVALID),
    (hostile.return_itself, (), INVALID),
    (hostile.return_too_much, (), INVALID),
    (hostile.recurse, (), "builtins.RecursionError"),
    (hostile.report_nonsense, ("nan",), "builtins.TypeError"),
    (hostile.report_nonsense, ("inf",), "builtins.TypeError"),
    (hostile.save_nonsense, (), INVALID),
    (hostile.spoil_result, (), None),
    (hostile.spoil_metadata, (), None),
]


def paths(result: Any) -> list[str]:
    return [error.exception_class_path for error in result.errors]


def test_worker_serves_on_whatever_its_tasks_do(start: Start, vendor: str) -> None:
    """One thread and one process for all of them, and an innocent after each."""
    jobs = []
    # Elsewhere Django itself does not get over it.
    undetectable = [] if vendor == "postgresql" else [hostile.break_connection]
    fates = [each for each in FATES if each[0] not in undetectable]
    for number, (task, args, fate) in enumerate(fates):
        jobs.append((task.enqueue(*args), fate))
        jobs.append((record.enqueue(f"innocent {number}"), None))
        jobs.append((tasks.work_atomic.enqueue(f"atomic {number}"), None))
    worker = start("--threads", 1)
    process = worker.process()
    await_finished(result for result, _ in jobs)
    for result, fate in jobs:
        assert paths(result) == ([fate] if fate else []), result.errors
        assert result.status == ("FAILED" if fate else "SUCCESSFUL")
        assert result.attempts == 1
    done = effects()
    assert len([key for key in done if key.startswith("innocent")]) == len(fates)
    assert set(done.values()) == {1}
    assert not {"left open", "not committed"} & set(done)
    # Nobody but the process that began it all has worked.
    assert worker.process().pid == process.pid
    # Not even the thread that one of them left behind keeps it.
    assert worker.stop() == 0


@pytest.mark.once
def test_what_cannot_be_told_is_told_all_the_same(start: Start) -> None:
    unprintable = hostile.raise_unprintable.enqueue()
    long = hostile.raise_at_length.enqueue()
    odd = hostile.raise_odd_members.enqueue()
    worker = start("--burst")
    assert worker.wait() == 0
    await_finished([unprintable, long, odd])
    assert "Unprintable" in unprintable.errors[0].traceback
    assert "long long" in long.errors[0].traceback
    assert len(long.errors[0].traceback) < 100_000
    assert "WithOddMembers" in odd.errors[0].traceback


def test_atomic_task_that_spoils_its_transaction_leaves_nothing(start: Start) -> None:
    """It fails, or it was no harm; there is no half of it."""
    spoilt, innocents = {}, []
    for task in (hostile.close_connection_atomic, hostile.swallow_database_error):
        spoilt[task.name] = task.enqueue(task.name)
        innocents.append(record.enqueue(f"after {task.name}"))
    worker = start("--threads", 1)
    await_finished([*spoilt.values(), *innocents])
    done = effects()
    assert {result.status for result in innocents} == {"SUCCESSFUL"}
    assert [done[f"after {name}"] for name in spoilt] == [1, 1]
    for name, result in spoilt.items():
        assert (done[name] == 1) == (result.status == "SUCCESSFUL")
    assert worker.stop() == 0


def test_task_that_deletes_its_own_rows_hurts_only_itself(start: Start) -> None:
    innocents = []
    for task in (hostile.delete_own_rows, hostile.delete_own_body):
        task.enqueue()
        innocents.append(record.enqueue("innocent"))
    worker = start("--threads", 1, "--burst")
    assert worker.wait() == 0
    await_finished(innocents)
    assert {result.status for result in innocents} == {"SUCCESSFUL"}
    assert unfinished() == 0
    left = {str(pk) for pk in Job.objects.values_list("pk", flat=True)}
    assert left == {str(Job.objects.get(pk=each.id).pk) for each in innocents}


def test_task_that_is_not_kept_leaves_no_report_behind(start: Start) -> None:
    for each in range(20):
        tasks.tell_and_be_forgotten.enqueue(str(each))
    worker = start("--threads", 2)
    await_effects(*map(str, range(20)))
    assert worker.stop() == 0
    assert Job.objects.count() == 0
    assert JobProgress.objects.count() == 0
