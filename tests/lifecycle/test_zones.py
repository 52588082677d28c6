"""Without USE_TZ moments are stored by the project's zone, and no other."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from django_bgtasks.upkeep.promote import promote
from django_bgtasks.upkeep.rescue import find_dead
from tests.inline import whereabouts

from . import tasks

MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def _without_zones(settings) -> None:
    settings.USE_TZ = False


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/New_York"])
def test_zone_that_a_request_has_activated_moves_no_job(worker, zone):
    with timezone.override(zone):
        ready = tasks.echo.enqueue()
        later = tasks.echo.using(run_after=MINUTE).enqueue()
        now = timezone.now()
        assert abs(ready.enqueued_at - now) < MINUTE
        assert promote(worker.vendor) == 0
        assert find_dead(worker.vendor, MINUTE) == []
    assert whereabouts(later) == ["DeferredJob"]
