"""Queues, workers and figures, made of rows."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.test import Client
from django.urls import reverse

from django_bgtasks.ids import uuid7
from django_bgtasks.models import (
    DeferredJob,
    Job,
    Process,
    ReadyJob,
    Rollup,
    RunningJob,
)
from django_bgtasks.results import public
from django_bgtasks.upkeep import presence
from django_bgtasks.vendors import Vendor, vendor_of

FRAGMENT = {"headers": {"X-Bgtasks-Refresh": "1"}}


def vendor() -> Vendor:
    return vendor_of(connection)


def now() -> datetime:
    return vendor().now()


def page(name: str) -> str:
    return reverse(f"admin:django_bgtasks_{name}")


def jobs(number: int, queue: str = "default", task: str = "shop.tasks.pack") -> Any:
    body = {"task_path": task, "backend": "default", "queue_name": queue}
    body |= {"args": [], "kwargs": {}, "enqueued_at": public(now())}
    return Job.objects.bulk_create(Job(id=uuid7(), **body) for _ in range(number))


def ready(
    number: int = 1,
    queue: str = "default",
    waited: timedelta = timedelta(),
    rank: int = 0,
) -> list[Job]:
    """Jobs that have been ready for so long."""
    made = jobs(number, queue)
    at = public(now() - waited)
    ReadyJob.objects.bulk_create(
        ReadyJob(job=job, queue_name=queue, rank=rank, ready_at=at) for job in made
    )
    return made


def deferred(number: int = 1, queue: str = "default") -> list[Job]:
    made = jobs(number, queue)
    due = public(now() + timedelta(hours=1))
    DeferredJob.objects.bulk_create(
        DeferredJob(job=job, queue_name=queue, rank=0, run_after=due) for job in made
    )
    return made


def process(name: str = "w1", kind: str = "worker", **values: Any) -> Process:
    arrival = presence.Arrival(
        kind=kind,
        name=name,
        pid=4711,
        capacity=8 if kind == "worker" else 0,
        queues=values.pop("queues", ["default", "mail"]),
        parent_id=values.pop("parent_id", None),
    )
    pk = presence.arrive(vendor(), arrival)
    silent = values.pop("silent", timedelta())
    Process.objects.filter(pk=pk).update(
        heartbeat_at=public(now() - silent), memory=123 * 1024**2, **values
    )
    return Process.objects.get(pk=pk)


def running(
    owner: Process,
    task: str = "shop.tasks.pack",
    for_: timedelta = timedelta(),
    queue: str = "default",
) -> Job:
    (job,) = jobs(1, queue, task)
    RunningJob.objects.create(
        job=job, process=owner, attempt=1, claimed_at=public(now() - for_)
    )
    return job


def figures(
    age: timedelta, queue: str = "default", span: int = 60, **numbers: Any
) -> Rollup:
    start = now() - age
    start = start - timedelta(seconds=start.timestamp() % (span or 60))
    return Rollup.objects.create(
        start_at=public(start), span=span, queue_name=queue, **numbers
    )


def text(client: Client, address: str, **more: Any) -> str:
    """Return the page, or its fragment, with its white space made single."""
    response = client.get(address, **more)
    assert response.status_code == 200, response.status_code
    return " ".join(response.content.decode().split())
