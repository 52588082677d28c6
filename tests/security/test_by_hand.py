"""Rows that somebody wrote by hand, to break or to deceive whoever reads them."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from django_bgtasks.compat import task_backends
from django_bgtasks.models import (
    Attempt,
    DeferredJob,
    FinishedJob,
    Job,
    JobProgress,
    Process,
    ReadyJob,
    Schedule,
)
from django_bgtasks.processes.config import WorkerConfig
from django_bgtasks.processes.supervisor import Supervisor
from django_bgtasks.upkeep import rescue
from tests.by_hand import write
from tests.fuzz.scene import Scene, make_scene
from tests.inline import InlineWorker
from tests.testapp.tasks import record

pytestmark = pytest.mark.django_db

ADMIN = "/admin/django_bgtasks/"
# Deep enough for code that walks it to give up; of its arguments, for that which
# reads JSON as well.
DEEP, DEEPER = 3_000, 100_000
FORGED = "x\nERROR forged\r\x1b[2J\x9b31m"


@pytest.fixture
def scene(db: None) -> Scene:
    return make_scene()


@pytest.fixture
def boss(db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("boss"))
    return client


def shown(scene: Scene) -> str:
    """Return what the command prints of all that there is."""
    out = StringIO()
    for verb in (["list"], ["status"], ["schedules", "list"]):
        call_command("bgtasks", *verb, stdout=out)
        call_command("bgtasks", *verb, "--format", "json", stdout=out)
    for job in scene.jobs:
        call_command("bgtasks", "show", job, stdout=out)
        call_command("bgtasks", "show", job, "--format", "json", stdout=out)
    return out.getvalue()


@pytest.mark.parametrize(
    ("model", "column", "depth"),
    [
        (Job, "args", DEEP),
        # What they are read by is the same on each database.
        *(
            pytest.param(*each, marks=pytest.mark.once)
            for each in (
                (Job, "args", DEEPER),
                (Job, "kwargs", DEEP),
                (Job, "metadata", DEEP),
                (Job, "sensitive", DEEP),
                (FinishedJob, "return_value", DEEP),
                (JobProgress, "metadata", DEEP),
                (Schedule, "args", DEEP),
            )
        ),
    ],
)
def test_json_that_is_too_deep_to_walk_breaks_nobody(
    scene: Scene, boss: Client, model: Any, column: str, depth: int
) -> None:
    for job in scene.jobs:
        JobProgress.objects.get_or_create(
            job_id=job, defaults={"metadata": {}, "saved_at": timezone.now()}
        )
    for opened, closed in ("[]", ('{"a":', "}")):
        write(model, {column: f"{opened * depth}1{closed * depth}"})
        shown(scene)
        pages = ["", "job/", "job/?q=a", "failure/", "schedule/"]
        pages += [f"job/{job}/change/" for job in scene.jobs]
        pages += [f"schedule/{scene.schedule.pk}/change/"]
        for page in pages:
            assert boss.get(f"{ADMIN}{page}").status_code == 200
        for kind in ("json", "csv"):
            answer: Any = boss.get(f"{ADMIN}job/export/jobs.{kind}")
            assert b"".join(answer.streaming_content)
        for job in scene.jobs:
            repr(task_backends["default"].get_result(job))
    worker = InlineWorker("next")
    worker.run_all()
    assert worker.run_result(record.enqueue("good")).return_value == "good"


@pytest.mark.parametrize(
    ("model", "columns"),
    [
        (Job, ("task_path", "backend", "queue_name")),
        (ReadyJob, ("queue_name",)),
        (DeferredJob, ("queue_name",)),
        (Process, ("host", "queues", "version")),
        (Schedule, ("name", "timezone", "queue_name", "crontab")),
    ],
)
def test_row_neither_steers_a_terminal_nor_forges_a_line_on_it(
    scene: Scene, model: Any, columns: tuple[str, ...]
) -> None:
    if model is Schedule:
        model.objects.exclude(pk=scene.schedule.pk).delete()
    for column in columns:
        write(model, {column: FORGED[: model._meta.get_field(column).max_length]})
    text = shown(scene)
    assert "forged" in text
    assert not {"\x1b", "\x9b", "\r"} & set(text)
    assert "\nERROR forged" not in text


def logged(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [
        each.getMessage()
        for each in caplog.records
        if each.name.startswith("django_bgtasks")
    ]


def test_process_writes_no_line_of_the_log(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    write(Process, {"name": FORGED}, pk=scene.process)
    supervisor = Supervisor(WorkerConfig())
    (death,) = [
        each
        for each in rescue.find_dead(supervisor.vendor, timedelta(days=-1))
        if each.process == scene.process
    ]
    supervisor.to_rescue = [death]
    with caplog.at_level(logging.DEBUG):
        supervisor._rescue()
    (text,) = [each for each in logged(caplog) if "Rescued" in each]
    assert not {"\n", "\r", "\x1b"} & set(text)


def test_backend_of_a_row_writes_no_line_of_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    record.enqueue("a")
    write(Job, {"backend": FORGED[:32]})
    with caplog.at_level(logging.DEBUG):
        InlineWorker().run_all()
    (text,) = [each for each in logged(caplog) if "could not be started" in each]
    assert "forged" in text
    # A traceback has lines; they are indented, and none begins as a record does.
    assert all(line.startswith("    ") for line in text.splitlines()[1:])
    assert not {"\r", "\x1b", "\x9b"} & set(text)


def test_name_of_an_exception_is_imported_by_no_page(
    scene: Scene, boss: Client
) -> None:
    forget: Callable[..., Any] = sys.modules.pop
    forget("this", None)
    write(Attempt, {"exception_class_path": "this.s"})
    shown(scene)
    for job in scene.jobs:
        assert boss.get(f"{ADMIN}job/{job}/change/").status_code == 200
        result = task_backends["default"].get_result(job)
        assert [each.exception_class_path for each in result.errors] in (
            [],
            ["this.s"],
        )
    boss.post(
        f"{ADMIN}job/act/", {"action": "retry", "_selected_action": scene.jobs[1]}
    )
    InlineWorker("next").run_all()
    assert "this" not in sys.modules
