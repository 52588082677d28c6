"""Ids of jobs that are none, written by hand, are read as no id at all."""

from __future__ import annotations

from io import StringIO
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client

from django_bgtasks.compat import task_backends
from django_bgtasks.models import JobLink, Plan, Tick
from django_bgtasks.periodic import tick
from tests.by_hand import write
from tests.fuzz.scene import Scene, make_scene
from tests.inline import InlineWorker

pytestmark = [pytest.mark.django_db, pytest.mark.only_on("sqlite")]

# SQLite keeps whatever it is given.
NO_IDS = ("", "nonsense", "f" * 31, "g" * 32, 5, b"\xff" * 16)


@pytest.fixture
def scene(db: None) -> Scene:
    """A job that another enqueued, and a schedule with a plan and a tick."""
    scene, worker = make_scene(), InlineWorker("other")
    backend: Any = task_backends["default"]
    tick.look(worker.vendor, backend)
    moments = dict.fromkeys(("due_at", "ticked_at"), worker.vendor.now())
    Tick.objects.create(schedule=scene.schedule, outcome="enqueued", **moments)
    JobLink.objects.create(job_id=scene.jobs[0], parent_id=scene.jobs[1])
    return scene


COLUMNS: tuple[tuple[Any, str], ...] = (
    (JobLink, "parent_id"),
    (Plan, "last_job_id"),
    (Tick, "job_id"),
)


@pytest.mark.parametrize(("model", "column"), COLUMNS)
@pytest.mark.parametrize("written", NO_IDS)
def test_what_is_no_id_is_none(
    scene: Scene, model: Any, column: str, written: Any
) -> None:
    write(model, {column: written})
    assert getattr(model.objects.get(), column) is None
    assert model.objects.values_list(column, flat=True).get() is None


@pytest.mark.parametrize(("model", "column"), COLUMNS)
def test_what_is_an_id_stays_it(scene: Scene, model: Any, column: str) -> None:
    write(model, {column: "f" * 32})
    known = UUID(int=2**128 - 1)
    assert getattr(model.objects.get(), column) == known
    assert model.objects.filter(**{column: known}).exists()


@pytest.mark.parametrize(("model", "column"), COLUMNS)
def test_pages_and_commands_show_the_rest(
    scene: Scene, model: Any, column: str
) -> None:
    write(model, {column: "nonsense"})
    boss = Client()
    boss.force_login(User.objects.create_superuser("boss"))
    schedule = f"schedule/{scene.schedule.pk}"
    pages = ("schedule/", f"{schedule}/change/", f"{schedule}/ticks/", "job/")
    for page in (*pages, *(f"job/{job}/change/" for job in scene.jobs[:2])):
        assert boss.get(f"/admin/django_bgtasks/{page}").status_code == 200
    for verb in (("show", scene.jobs[0]), ("schedules", "list")):
        out = StringIO()
        call_command("bgtasks", *verb, stdout=out)
        assert out.getvalue()
