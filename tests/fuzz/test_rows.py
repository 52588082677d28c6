"""Whatever somebody writes into a row by hand, everybody who meets it goes on."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import timedelta
from io import StringIO
from typing import Any
from unittest.mock import patch

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import DatabaseError, connection, models, transaction
from django.test import Client

from django_bgtasks.compat import TaskResultStatus, task_backends
from django_bgtasks.models import (
    Attempt,
    DeferredJob,
    Failure,
    FinishedJob,
    Job,
    JobLink,
    JobLog,
    JobProgress,
    Plan,
    Process,
    Queue,
    ReadyJob,
    Rollup,
    RunningJob,
    Schedule,
    Tick,
)
from django_bgtasks.models.fields import JSONTextField
from django_bgtasks.periodic import tick
from django_bgtasks.site import job_status_url
from django_bgtasks.upkeep import fold, prune, rescue, ticks
from tests.by_hand import lenient, write
from tests.inline import InlineWorker
from tests.testapp.tasks import record

from .cases import cases, tried, unhurried
from .junk import Junk
from .scene import Scene, make_scene

pytestmark = [pytest.mark.django_db, unhurried]

MODELS: tuple[Any, ...] = (
    *(Job, Job, ReadyJob, DeferredJob, RunningJob, FinishedJob, Attempt, JobProgress),
    *(JobLink, JobLog, Failure, Schedule, Schedule, Plan, Tick, Process, Queue),
    Rollup,
)
# Of the last ones Python has no date, and not every database takes them.
TIMES = (
    *("0001-01-01 00:00:00", "9999-12-31 23:59:59.999999", "1970-01-01 00:00:00"),
    *("1000-01-01 00:00:00", "2038-01-19 03:14:08", "2500-06-01 00:00:00"),
    *("infinity", "-infinity", "0044-03-15 12:00+00 BC", "20000-01-01 00:00+00"),
    *("0000-00-00 00:00:00", "2026-00-01 00:00:00", "yesterday", "", "2451545"),
)
LENGTHS = (
    "0",
    "-1",
    "1",
    "9223372036854775807",
    "-9223372036854775808",
    "178000000 years",
)


def junk_for(junk: Junk, field: Any, jobs: list[str]) -> Any:
    """A value that the column's type may hold; most databases refuse any other."""
    if field.null and junk.random() < 0.15:
        return None
    if isinstance(field, JSONTextField):
        return junk.choice((junk.text(), json.dumps(junk.json())))
    if isinstance(field, models.ForeignKey):
        return junk_for(junk, field.target_field, jobs)
    if isinstance(field, models.UUIDField):
        known, text = junk.choice(jobs).replace("-", ""), junk.text()[:32]
        return junk.choice(("0" * 32, "f" * 32, known, known, text, text))
    if isinstance(field, models.DateTimeField):
        return junk.choice(TIMES)
    if isinstance(field, models.DurationField):
        return junk.choice(LENGTHS)
    if isinstance(field, models.BooleanField):
        return junk.choice((0, 1, 2, -1))
    if isinstance(field, models.FloatField):
        return junk.choice((0.0, -1.0, 1e308, "NaN", "Infinity"))
    if isinstance(field, models.DecimalField):
        return junk.choice((0, 999, -999, "90.000001"))
    if isinstance(field, models.IntegerField):
        return junk.choice((0, -1, 2**15 - 1, -(2**15), 2**31 - 1, -(2**31), 2**63 - 1))
    text = junk.text()
    return text if junk.random() < 0.5 else text[: field.max_length]


def spoil(junk: Junk, scene: Scene) -> bool:
    """Write junk into columns of all rows of a table; False if it is not taken."""
    model = junk.choice(MODELS)
    fields = [
        each for each in model._meta.local_concrete_fields if not each.primary_key
    ]
    chosen = junk.sample(fields, min(len(fields), junk.choice((1, 1, 2))))
    values = {field.column: junk_for(junk, field, scene.jobs) for field in chosen}
    junk.says(model.__name__, values)
    try:
        with transaction.atomic(), lenient():
            write(model, values)
    except DatabaseError:
        return False
    return True


@pytest.fixture
def scene(db: None) -> Scene:
    scene = make_scene()
    backend: Any = task_backends["default"]
    worker = InlineWorker("other")
    tick.look(worker.vendor, backend)
    Queue.objects.create(name="slow", paused_at=worker.vendor.now())
    now = worker.vendor.now()
    Tick.objects.create(
        schedule=scene.schedule, due_at=now, ticked_at=now, outcome="enqueued"
    )
    JobLog.objects.create(job_id=scene.jobs[0], attempt=1, text="log")
    for child in scene.jobs[1:4]:
        JobLink.objects.create(job_id=child, parent_id=scene.jobs[0])
    fold.fold(worker.vendor)
    return scene


def all_go_on(scene: Scene) -> None:
    """Do what workers, supervisors and beats do; other jobs are run by that."""
    worker = InlineWorker("next")
    # A beat's transactions are its own, and what fails is undone with them.
    with patch.object(worker.vendor, "atomic", transaction.atomic):
        after = record.enqueue("after")
        worker.run_all()
        backend: Any = task_backends["default"]
        death = rescue.Death(process=scene.process, name="worker-1")
        rescue.rescue(worker.vendor, death, backend.settings)
        for death in rescue.find_dead(worker.vendor, timedelta(seconds=20)):
            rescue.rescue(worker.vendor, death, backend.settings)
        tick.look(worker.vendor, backend)
        worker.run_all()
        prune.prune(connection)
        fold.fold(worker.vendor)
        ticks.prune_ticks(worker.vendor, timedelta(days=30))
    after.refresh()
    assert after.status == TaskResultStatus.SUCCESSFUL


def test_workers_and_beats_go_on(scene: Scene) -> None:
    for junk in cases("rows of workers", 150):
        with tried(junk), transaction.atomic():
            if spoil(junk, scene):
                all_go_on(scene)
            transaction.set_rollback(True)


PAGES = (
    *("", "job/", "job/?state=failures", "job/?state=running", "failure/", "queue/"),
    *("process/", "schedule/", "queue/overview/", "job/?q=key", "job/?worker=worker-1"),
    *(
        "job/export/jobs.csv",
        "job/export/jobs.json",
        "schedule/?q=n",
        "job/?state=ready",
    ),
)


def test_admin_shows_them(scene: Scene) -> None:
    boss = Client()
    boss.force_login(User.objects.create_superuser("boss"))
    for junk in cases("rows in the admin", 100):
        addresses = [
            *junk.sample(PAGES, 3),
            f"job/{junk.choice(scene.jobs)}/change/",
            f"job/{junk.choice(scene.jobs)}/copy/",
            f"schedule/{scene.schedule.pk}/{junk.choice(('change', 'ticks'))}/",
        ]
        with tried(junk), transaction.atomic():
            if spoil(junk, scene):
                for address in addresses:
                    answer: Any = boss.get(f"/admin/django_bgtasks/{address}")
                    assert answer.status_code < 500
                    if answer.streaming:
                        b"".join(answer.streaming_content)
            transaction.set_rollback(True)


VERBS = (
    *(("status",), ("list",), ("list", "--state", "finished"), ("schedules", "list")),
    *(("list", "--state", "running"), ("prune", "--dry-run"), ("schedules", "export")),
    *(("schedules", "next", "nightly"), ("schedules", "run", "nightly")),
)


def test_commands_and_status_pages_show_them(scene: Scene, settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.site.urls"
    client = Client()
    backend: Any = task_backends["default"]
    results = [backend.get_result(each) for each in scene.jobs[:6]]
    urls = [job_status_url(each, return_value=True) for each in results]
    for junk in cases("rows in commands", 100):
        form = junk.choice(("text", "json"))
        verbs = [*junk.sample(VERBS, 3), ("show", junk.choice(scene.jobs))]
        with tried(junk), transaction.atomic():
            if spoil(junk, scene):
                for verb in verbs:
                    shows = "run" not in verb and "prune" not in verb
                    options = ["--format", form] if shows else []
                    if "export" in verb:
                        options = []
                    with suppress(CommandError):
                        call_command("bgtasks", *verb, *options, stdout=StringIO())
                answer: Any = client.get(junk.choice(urls))
                assert answer.status_code in (200, 404)
                json.loads(answer.content)
                junk.choice(results).refresh()
            transaction.set_rollback(True)
