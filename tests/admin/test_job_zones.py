"""Moments of jobs are shown and read in the zone of the site."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from django_bgtasks.models import Failure
from tests.inline import InlineWorker

from . import job_tasks as tasks
from .jobs import FAILURES, LIST, listed, page_of, streamed, text_of


@pytest.mark.parametrize("use_tz", [True, False])
@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "America/New_York"])
def test_pages_are_right_in_every_zone(
    boss: Client, settings: Any, use_tz: bool, zone: str
) -> None:
    settings.USE_TZ, settings.TIME_ZONE = use_tz, zone
    worker = InlineWorker()
    job = worker.run_result(tasks.blunder.enqueue())
    tasks.greet.using(run_after=60).enqueue("later")
    (moment,) = Failure.objects.values_list("failed_at", flat=True)
    here = timezone.localtime(moment) if use_tz else moment
    hour = timedelta(hours=1)
    since, until = (f"{here + n * hour:%Y-%m-%dT%H:%M}" for n in (-1, 1))
    assert len(listed(boss, since=since, until=until)) == 2
    assert listed(boss, since=until) == []
    assert f"{here:%Y-%m-%d %H:%M:%S}" in text_of(boss.get(page_of(job)))
    assert f"{here:%Y-%m-%d %H:%M:%S}" in text_of(boss.get(FAILURES))
    before = (moment + hour).isoformat()
    found = boss.get(FAILURES, {"before": before}).context["failures"]
    assert [group.number for group in found.groups] == [1]
    before = (moment - hour).isoformat()
    assert not boss.get(FAILURES, {"before": before}).context["failures"].groups
    assert here.isoformat() in streamed(boss.get(f"{LIST}export/jobs.json"))
