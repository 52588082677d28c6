"""What users and rows hold is data: never SQL, code, a template or a line of a log."""

from __future__ import annotations

import logging
import sys
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.template import Context, Template
from django.test import Client

from django_bgtasks.compat import TaskResultStatus, task_backends
from django_bgtasks.exceptions import UnknownTask
from django_bgtasks.models import DeferredJob, Job, ReadyJob, Schedule
from django_bgtasks.periodic import tick
from django_bgtasks.periodic.run_now import run_now
from tests.fuzz import tasks
from tests.inline import InlineWorker

pytestmark = pytest.mark.django_db

SQL = "'; DROP TABLE django_bgtasks_job; -- \\' \" %s %(x)s {} $1 ? /*"
# Each is code that exists, and none is a task.
CODE = (
    *("os.system", "subprocess.run", "builtins.eval", "builtins.exec", "sys.exit"),
    *("django.core.management.call_command", "django_bgtasks.lifecycle.operate.pause"),
    *("tests.fuzz.tasks.given.append", "tests.fuzz.tasks.__builtins__", "pickle.loads"),
    *("tests.security.test_injection.run_now", "tests.testapp.models.Effect", "this.s"),
)


@pytest.fixture
def worker(db: None) -> InlineWorker:
    return InlineWorker()


def test_statements_stay_text(worker: InlineWorker, settings: Any) -> None:
    settings.TASKS = {"default": {**settings.TASKS["default"], "QUEUES": []}}
    task = tasks.take.using(queue_name=SQL, metadata={SQL: SQL})
    result = worker.run_result(task.enqueue(SQL, **{SQL: SQL}))
    assert result.return_value == [[SQL], {SQL: SQL}]
    assert (result.metadata, result.task.queue_name) == ({SQL: SQL}, SQL)
    assert "django_bgtasks_job" in connection.introspection.table_names()


@pytest.mark.parametrize("path", CODE)
def test_row_runs_no_code_that_is_no_task(worker: InlineWorker, path: str) -> None:
    result = tasks.take.enqueue("echo pwned")
    Job.objects.update(task_path=path)
    module = path.rpartition(".")[0]
    known = module in sys.modules
    worker.run_all()
    found = task_backends["default"].get_result(result.id)
    assert found.status == TaskResultStatus.FAILED
    assert found.errors[0].exception_class is UnknownTask
    # Not even an import.
    assert (module in sys.modules) == known


@pytest.mark.parametrize("path", CODE)
def test_schedule_runs_no_code_that_is_no_task(db: None, path: str) -> None:
    row = Schedule.objects.create(name="evil", task_path=path, crontab="* * * * *")
    with pytest.raises(UnknownTask):
        run_now(task_backends["default"], row)
    assert not Job.objects.exists()


@pytest.mark.parametrize(
    "path", ["tests.fuzz.tasks.gone\nERROR forged", "x\r\nforged.y"]
)
def test_row_writes_no_line_of_the_log(
    worker: InlineWorker, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    tasks.take.enqueue("a")
    Job.objects.update(task_path=path)
    for model in (ReadyJob, DeferredJob):
        model.objects.update(queue_name="mail\nforged")
    with caplog.at_level(logging.DEBUG):
        worker.run_all()
    texts = [
        each.getMessage()
        for each in caplog.records
        if each.name.startswith("django_bgtasks")
    ]
    assert texts
    for text in texts:
        assert "\nERROR forged" not in text
        assert "\nforged" not in text


def test_no_log_of_the_package_tells_arguments_or_results(
    worker: InlineWorker, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        task = tasks.take.using(metadata={"note": "of 4711"})
        worker.run_result(task.enqueue("hunter2", key="hunter3"))
    assert caplog.records
    for record in caplog.records:
        text = f"{record.getMessage()} {record.args}"
        assert "hunter" not in text
        assert "4711" not in text


def test_name_of_a_schedule_writes_no_line_of_the_log(
    worker: InlineWorker, caplog: pytest.LogCaptureFixture
) -> None:
    Schedule.objects.create(
        name="a\nforged", task_path="x.y", crontab="no crontab at all"
    )
    with caplog.at_level(logging.DEBUG):
        tick.look(worker.vendor, task_backends["default"])
    (text,) = [each.getMessage() for each in caplog.records if "Schedule" in each.msg]
    assert "\nforged" not in text


TEMPLATE = "{{ 7|add:7 }}{% debug %}{# gone #}"


def test_template_syntax_stays_text(worker: InlineWorker) -> None:
    boss = Client()
    boss.force_login(User.objects.create_superuser("boss"))
    task = tasks.take.using(metadata={TEMPLATE: TEMPLATE})
    job = worker.run_result(task.enqueue(TEMPLATE, **{TEMPLATE: TEMPLATE}))
    row = Schedule.objects.create(
        name=TEMPLATE,
        description=TEMPLATE,
        task_path=job.task.module_path,
        args=[TEMPLATE],
        crontab="* * * * *",
    )
    root = "/admin/django_bgtasks/"
    for page in ("schedule/", f"schedule/{row.pk}/change/", f"job/{job.id}/change/"):
        text = boss.get(f"{root}{page}").content.decode()
        assert "{{ 7|add:7 }}{% debug %}{# gone #}" in text
    bar = "{% load bgtasks %}{% job_progress result label=label %}"
    context = Context({"result": job, "label": f"{TEMPLATE}<b>"})
    drawn = Template(bar).render(context)
    assert f"{TEMPLATE}&lt;b&gt;" in drawn
    assert "<b>" not in drawn
