"""A database with a bit of everything, for pages and commands to look at."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, NamedTuple

from django_bgtasks.models import Process, Schedule
from tests.admin.hostile import make_hostile_job
from tests.inline import InlineWorker
from tests.testapp.tasks import anything, fail, record, sign_in


class Scene(NamedTuple):
    jobs: list[str]
    schedule: Schedule
    process: int


def make_scene() -> Scene:
    """Make a job of each state, one full of script, a schedule and a worker."""
    worker = InlineWorker()
    done = [record.enqueue("done"), fail.enqueue("failed"), anything.enqueue()]
    worker.run_ready()
    running = sign_in.enqueue("me", "secret")
    worker.claim()
    waiting = record.using(queue_name="mail", metadata={"a": 1}).enqueue("ready")
    later = record.using(run_after=timedelta(days=1)).enqueue("later")
    hostile = make_hostile_job()
    schedule = Schedule.objects.create(
        name="nightly",
        task_path=record.module_path,
        args=["key"],
        crontab="30 7 * * mon-fri",
    )
    process: Any = Process.objects.order_by("pk").first()
    jobs = [*done, running, waiting, later]
    return Scene([*(each.id for each in jobs), str(hostile)], schedule, process.pk)
