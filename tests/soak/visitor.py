"""A site that people look at: ``python -m tests.soak.visitor``, until told to stop.

One process asks itself for the pages of the admin, and for the status of jobs, as a
server of a site would be asked; and now and then somebody edits a schedule.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from itertools import count
from typing import Any

import django

django.setup()

from django.contrib.auth.models import User  # noqa: E402
from django.test import Client  # noqa: E402
from django.urls import reverse  # noqa: E402

from django_bgtasks.models import FinishedJob, Job, Schedule  # noqa: E402

_EVERY = 2.0
_LISTS = (
    ("queue_overview", ""),
    ("job_changelist", ""),
    ("job_changelist", "?state=failed"),
    ("job_changelist", "?state=finished&queue=mail"),
    ("queue_changelist", ""),
    ("process_changelist", ""),
    ("schedule_changelist", ""),
    ("failure_changelist", ""),
)


def main() -> int:
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    user, _ = User.objects.get_or_create(
        username="admin", is_staff=True, is_superuser=True
    )
    browser = Client()
    browser.force_login(user)
    pages = _pages()
    while not stop.wait(_EVERY):
        address = next(pages)
        answer = browser.get(address)
        # A job may have been pruned between two looks; the admin then goes elsewhere.
        if answer.status_code not in (200, 302, 404):
            sys.stdout.write(f"{address} answered {answer.status_code}\n")
            return 1
    return 0


def _pages() -> Iterator[str]:
    for number in count():
        for name, query in _LISTS:
            yield reverse(f"admin:django_bgtasks_{name}") + query
        for job in _some_jobs():
            yield reverse("admin:django_bgtasks_job_change", args=[job])
        yield reverse("admin:app_list", args=["django_bgtasks"])
        _edit(number)


def _some_jobs() -> list[Any]:
    newest = Job.objects.order_by("-pk").values_list("pk", flat=True)[:1]
    failed = FinishedJob.objects.filter(outcome="failed").order_by("-pk")
    return [*newest, *failed.values_list("pk", flat=True)[:1]]


def _edit(number: int) -> None:
    every_minute = Schedule.objects.get(name="edited")
    every_minute.crontab = f"{number % 60} * * * * *"
    every_minute.save()


if __name__ == "__main__":
    sys.exit(main())
