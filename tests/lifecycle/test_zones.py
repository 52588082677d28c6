"""Without USE_TZ moments are stored by the project's zone, and no other."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from django.db import connection
from django.utils import timezone

from django_bgtasks.models import ReadyJob
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


@pytest.mark.only_on("postgresql")
def test_hour_that_comes_twice_does_not_turn_the_order_of_jobs(worker, settings):
    """Of one zone, moments are compared by what its clocks show."""
    settings.TIME_ZONE = "Europe/Berlin"
    calls = [((number,), {}) for number in range(3)]
    first, second, third = (UUID(each.id) for each in tasks.echo.enqueue_many(calls))
    moments = {third: "00:59", first: "01:01", second: "01:59"}
    with connection.cursor() as cursor:
        for job, moment in moments.items():
            cursor.execute(
                f"UPDATE {ReadyJob._meta.db_table} SET ready_at = %s WHERE job_id = %s",
                [f"2025-10-26 {moment}:00+00", job],
            )
    assert [UUID(job.id) for job in worker.claim()] == [third, first, second]
