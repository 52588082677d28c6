"""Every log record of a task can say which job it belongs to."""

from __future__ import annotations

import logging

import pytest

from django_bgtasks.compat import task_finished
from django_bgtasks.log import JobFilter

from . import tasks

FORMAT = "%(job_id)s %(task)s %(queue)s %(attempt)s: %(message)s"


@pytest.fixture
def lines():
    """What the project's own log reads, with the filter on its handler."""
    written = []

    class Handler(logging.Handler):
        def emit(self, record):
            written.append(self.format(record))

    handler = Handler()
    handler.setFormatter(logging.Formatter(FORMAT))
    handler.addFilter(JobFilter())
    tasks.logger.addHandler(handler)
    yield written
    tasks.logger.removeHandler(handler)


@pytest.mark.parametrize("task", [tasks.log, tasks.log_from_coroutine])
def test_record_of_a_task_names_its_job(worker, lines, task):
    result = worker.run_result(task.using(queue_name="mail").enqueue("hello"))
    assert lines == [f"{result.id} {task.module_path} mail 1: hello"]


def test_records_of_two_jobs_are_told_apart(worker, lines):
    results = tasks.log.enqueue_many([(("a",), {}), (("b",), {})])
    worker.run_all()
    assert [line.split()[0] for line in lines] == [each.id for each in results]


def test_record_outside_of_a_job_names_none(worker, lines):
    worker.run_result(tasks.log.enqueue("inside"))
    tasks.logger.warning("outside")
    assert lines[-1] == "- - - -: outside"


def test_record_that_has_such_a_fact_already_keeps_it(worker, lines):
    tasks.deeds["log"] = lambda: tasks.logger.warning("x", extra={"queue": "mine"})
    worker.run_result(tasks.do.enqueue("log"))
    assert lines[0].split()[2] == "mine"


def test_record_of_the_end_names_its_job(worker, lines):
    def receive(**kwargs):
        tasks.logger.warning("ended")

    task_finished.connect(receive)
    try:
        result = worker.run_result(tasks.echo.enqueue(1))
    finally:
        task_finished.disconnect(receive)
    assert lines == [f"{result.id} {tasks.echo.module_path} default 1: ended"]


def test_package_leaves_the_root_logger_alone():
    assert logging.getLogger("django_bgtasks").propagate is True
    assert logging.getLogger("django_bgtasks").handlers == []
