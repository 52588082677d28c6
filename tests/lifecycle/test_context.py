"""What a running task tells of itself: metadata and progress."""

from __future__ import annotations

import pytest

from django_bgtasks import Progress
from django_bgtasks.compat import TaskResultStatus
from django_bgtasks.lifecycle import report
from django_bgtasks.models import Job, JobProgress

from . import tasks


def test_metadata_of_the_call_reaches_the_task(worker):
    result = tasks.tell.using(metadata={"user": 7, "list": [1]}).enqueue()
    assert result.metadata == {"user": 7, "list": [1]}
    worker.run_all()
    result.refresh()
    assert result.return_value == {"user": 7, "list": [1], "attempt": 1}


def test_job_without_metadata_has_an_empty_dict(worker):
    result = worker.run_result(tasks.echo.enqueue())
    assert result.metadata == {}
    assert result.progress is None


def test_saved_metadata_is_seen_by_readers_and_by_later_attempts(worker):
    result = worker.run_result(tasks.tell.using(metadata={"user": 7}).enqueue())
    assert result.status == TaskResultStatus.READY
    assert result.metadata == {"user": 7, "attempt": 1}
    assert result.progress == Progress(1, 4)
    assert result.progress.percent == 25
    worker.run_all()
    result.refresh()
    assert result.metadata == {"user": 7, "attempt": 2}
    assert result.progress == Progress(2, 4)
    assert JobProgress.objects.count() == 1


def test_metadata_is_seen_while_the_task_runs(worker):
    told = []

    def deed(context):
        context.metadata["step"] = 1
        context.save_metadata()
        context.progress(3)
        reader = tasks.do_with_context.get_result(context.task_result.id)
        told.append((reader.status, reader.metadata, reader.progress))

    tasks.deeds["tell"] = deed
    result = worker.run_result(tasks.do_with_context.enqueue("tell"))
    assert result.errors == []
    assert told == [(TaskResultStatus.RUNNING, {"step": 1}, (3, None))]


def test_metadata_that_is_not_saved_is_not_stored(worker):
    tasks.deeds["keep"] = lambda context: context.metadata.update(step=1)
    result = worker.run_result(tasks.do_with_context.enqueue("keep"))
    assert result.status == TaskResultStatus.SUCCESSFUL
    assert result.metadata == {}


def test_metadata_can_be_emptied(worker):
    def deed(context):
        context.metadata.clear()
        context.save_metadata()

    tasks.deeds["empty"] = deed
    result = tasks.do_with_context.using(metadata={"user": 7}).enqueue("empty")
    assert worker.run_result(result).metadata == {}


def test_metadata_that_is_no_json_fails_the_task_by_name(worker):
    result = worker.run_result(tasks.tell_nonsense.enqueue())
    assert result.status == TaskResultStatus.FAILED
    assert "metadata['when']" in result.errors[0].traceback


def test_coroutine_tells_of_itself_too(worker):
    result = worker.run_result(tasks.tell_from_coroutine.enqueue())
    assert result.status == TaskResultStatus.SUCCESSFUL, result.errors
    assert result.metadata == {"loop": True}
    assert result.progress == Progress(1, None)


@pytest.mark.parametrize(
    "bad", ["half", None, float("nan"), float("inf"), [1], 10**400]
)
def test_progress_that_is_no_number_is_refused(worker, bad):
    tasks.deeds["progress"] = lambda context: context.progress(bad)
    result = worker.run_result(tasks.do_with_context.enqueue("progress"))
    assert result.status == TaskResultStatus.FAILED
    assert "progress() takes numbers" in result.errors[0].traceback


@pytest.mark.parametrize(
    ("progress", "percent"),
    [
        (Progress(1), None),
        (Progress(1, 0), None),
        (Progress(0, 8), 0),
        (Progress(2, 8), 25),
        (Progress(9, 8), 100),
        (Progress(-1, 8), 0),
    ],
)
def test_percentage_lies_between_0_and_100_or_is_unknown(progress, percent):
    assert progress.percent == percent


def test_context_outside_of_a_time_limit_has_no_end(worker):
    tasks.deeds["ask"] = lambda context: [context.remaining, context.should_stop]
    result = worker.run_result(tasks.do_with_context.enqueue("ask"))
    assert result.return_value == [None, False]


def test_context_shows_its_facts_when_it_is_printed(worker):
    tasks.deeds["print"] = repr
    result = worker.run_result(tasks.do_with_context.enqueue("print"))
    assert result.id in result.return_value


def test_nothing_is_left_of_what_a_job_told_that_is_not_kept(worker):
    result = tasks.echo.enqueue()
    Job.objects.filter(pk=result.id)._raw_delete("default")
    # The worker stores reports apart from outcomes, and may be later with them.
    report.store("default", result.id, {"done": 1.0}, worker.vendor.now())
    assert JobProgress.objects.count() == 0
