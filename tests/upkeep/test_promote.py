from __future__ import annotations

from datetime import UTC, datetime, timedelta
from math import inf

from django.db import connection

from django_bgtasks.models import DeferredJob, ReadyJob
from django_bgtasks.upkeep.promote import (
    next_due,
    promote,
    promote_next,
    seconds_left,
)
from django_bgtasks.vendors import vendor_of
from tests.inline import whereabouts

from . import tasks

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_due_job_is_made_ready_with_its_place_and_attempt(worker):
    result = tasks.fail_later.using(queue_name="mail", priority=8).enqueue()
    worker.run_ready()
    DeferredJob.objects.update(run_after=LONG_AGO)
    before = worker.vendor.now()
    assert promote(worker.vendor) == 1
    assert whereabouts(result) == ["ReadyJob"]
    ready = ReadyJob.objects.get()
    assert (ready.queue_name, ready.rank, ready.attempt) == ("mail", -8, 2)
    # It stands behind those that were ready before it was due.
    assert ready.ready_at >= before


def test_job_that_is_not_due_stays(db):
    result = tasks.echo.using(run_after=HOUR).enqueue()
    assert promote(vendor_of(connection)) == 0
    assert whereabouts(result) == ["DeferredJob"]


def test_earliest_are_promoted_first_and_no_more_than_asked_for(db):
    vendor = vendor_of(connection)
    moments = [LONG_AGO + timedelta(days=day) for day in (3, 1, 2)]
    results = [tasks.echo.using(run_after=each).enqueue() for each in moments]
    assert promote(vendor, limit=2) == 2
    assert [whereabouts(result)[0] for result in results] == [
        "DeferredJob",
        "ReadyJob",
        "ReadyJob",
    ]
    assert promote(vendor, limit=2) == 1
    assert promote(vendor, limit=2) == 0


def test_next_due_tells_when_to_look_again(db):
    vendor = vendor_of(connection)
    assert next_due(vendor) is None
    later = datetime(2040, 1, 1, 0, 0, 0, 123456, tzinfo=UTC)
    tasks.echo.using(run_after=later + HOUR).enqueue()
    tasks.echo.using(run_after=later).enqueue()
    assert next_due(vendor) == later


def test_seconds_are_left_by_the_clock_of_the_database(db):
    vendor = vendor_of(connection)
    assert seconds_left(vendor) == inf
    tasks.echo.using(run_after=HOUR).enqueue()
    assert 3000 < seconds_left(vendor) <= 3600


def test_next_due_is_aware_where_the_project_has_no_time_zones(db, settings):
    settings.USE_TZ = False
    settings.TIME_ZONE = "Asia/Kolkata"
    moment = datetime(2040, 1, 1, tzinfo=UTC)
    tasks.echo.using(run_after=3600).enqueue()
    DeferredJob.objects.update(run_after=datetime(2040, 1, 1, 5, 30))
    assert next_due(vendor_of(connection)) == moment


def test_tests_may_promote_before_the_time_one_by_one(db):
    vendor = vendor_of(connection)
    now = vendor.now()
    second = tasks.echo.using(run_after=2 * HOUR).enqueue()
    first = tasks.echo.using(run_after=HOUR).enqueue()
    assert promote_next(vendor, now) is False
    assert promote_next(vendor, now + 3 * HOUR) is True
    assert (whereabouts(first), whereabouts(second)) == (["ReadyJob"], ["DeferredJob"])
    assert promote_next(vendor, now + 3 * HOUR) is True
    assert promote_next(vendor, now + 3 * HOUR) is False
