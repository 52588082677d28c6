"""What a running job tells: progress, metadata, logs; and async tasks."""

from __future__ import annotations

from pathlib import Path

import pytest

from django_bgtasks.models import Job
from tests.testapp.tasks import fail
from tests.waiting import eventually

from . import tasks
from .workers import PATIENCE, Gate, Start, await_effects, await_finished, effects

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    "name", ["tell", pytest.param("tell_async", marks=pytest.mark.once)]
)
def test_progress_and_metadata_are_seen_while_the_job_runs(
    start: Start, gate: Gate, name: str
) -> None:
    task = getattr(tasks, name).using(metadata={"asked by": "a test"})
    result = task.enqueue(str(gate))
    start()

    def told() -> bool:
        result.refresh()
        return result.progress is not None and "stage" in result.metadata

    eventually(told, "what the job tells", PATIENCE)
    assert result.status == "RUNNING"
    assert result.progress == (3, 10)
    assert result.progress.percent == 30
    assert result.metadata == {"asked by": "a test", "stage": "at the gate"}
    gate.open()
    await_finished([result])
    assert result.return_value == "told"
    eventually(
        lambda: result.refresh() or result.progress == (10, 10), "the end", PATIENCE
    )


@pytest.mark.only_on("postgresql", "mysql", "mariadb")
def test_atomic_task_tells_before_it_commits(start: Start, gate: Gate) -> None:
    result = tasks.tell_atomic.enqueue(str(gate))
    start()

    def told() -> bool:
        result.refresh()
        return bool(result.metadata)

    eventually(told, "what the job tells", PATIENCE)
    assert effects() == {}
    gate.open()
    await_finished([result])
    assert effects() == {"told": 1}


def test_job_that_is_not_kept_leaves_nothing_of_what_it_told(start: Start) -> None:
    result = tasks.tell_and_be_forgotten.enqueue("told")
    assert start("--burst").wait() == 0
    assert effects() == {"told": 1}
    assert not Job.objects.filter(pk=result.id).exists()


@pytest.mark.once
def test_hundreds_of_coroutines_run_at_once_in_one_process(
    start: Start, tmp_path: Path
) -> None:
    # Each waits until all have begun, so fewer at once would never end.
    results = tasks.gather_async.enqueue_many(
        ((f"{n}", str(tmp_path), 200), {}) for n in range(200)
    )
    start("--coroutines", 200, "--threads", 1)
    assert {result.status for result in await_finished(results)} == {"SUCCESSFUL"}


def test_async_task_uses_the_async_orm(start: Start) -> None:
    result = tasks.write_async.enqueue("written")
    start()
    await_finished([result])
    assert result.status == "SUCCESSFUL", result.errors
    assert effects()["written"] == 1


@pytest.mark.parametrize("name", ["log_something", "log_something_async"])
@pytest.mark.once
def test_log_of_a_task_names_its_job(start: Start, name: str) -> None:
    result = getattr(tasks, name).enqueue("hello")
    worker = start()
    line = worker.wait_for_line("said: hello").string
    assert f"job_id={result.id}" in line
    assert f"task=tests.acceptance.tasks.{name}" in line
    assert "queue=default attempt=1" in line
    worker.stop()


@pytest.mark.once
def test_each_attempt_is_told_in_the_log(start: Start) -> None:
    result = tasks.fail_twice.enqueue("again")
    worker = start()
    await_finished([result])
    worker.wait_for_line(f"retry job={result.id} .*attempt=1 duration=")
    worker.wait_for_line(f"succeeded job={result.id} .*queue=default attempt=3")
    worker.stop()


@pytest.mark.once
def test_framework_logs_the_end_of_a_failed_job_once_with_its_traceback(
    start: Start,
) -> None:
    result = fail.enqueue("raised")
    worker = start()
    await_finished([result])
    worker.wait_for_line(f"ERROR django[._]tasks .*id={result.id} .*state=FAILED")
    worker.wait_for_line("ValueError: raised was meant to fail")
    await_effects("raised")
    assert worker.stop() == 0
    ends = [line for line in worker.lines if "state=FAILED" in line]
    assert len(ends) == 1
