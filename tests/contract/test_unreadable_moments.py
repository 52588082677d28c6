"""Moments that Python has no date for, written by hand, can be read all the same."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.models import Max, Min
from django.utils import timezone

from django_bgtasks.models import Queue, ReadyJob, table_of
from django_bgtasks.vendors import LONG_AGO, vendor_of
from tests.by_hand import lenient, write
from tests.inline import InlineWorker
from tests.testapp.tasks import record

pytestmark = pytest.mark.django_db

FIRST = datetime(1, 1, 1, tzinfo=UTC)
LAST = datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)


def set_moment(model: Any, column: str, moment: Any) -> None:
    with lenient():
        write(model, {column: moment})


@pytest.mark.only_on("postgresql")
@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("infinity", LAST),
        ("-infinity", FIRST),
        ("20000-01-01 00:00+00", LAST),
        ("0044-03-15 12:00+00 BC", FIRST),
        ("9999-12-31 23:59:59.999999+00", LAST),
        ("0001-01-01 00:00+00", FIRST),
        (None, None),
    ],
)
def test_moment_beyond_all_dates_is_the_nearest_one(written: Any, read: Any) -> None:
    Queue.objects.create(name="mail")
    set_moment(Queue, "paused_at", written)
    assert Queue.objects.get().paused_at == read
    assert Queue.objects.values_list("paused_at", flat=True).get() == read
    ends = Queue.objects.aggregate(first=Min("paused_at"), last=Max("paused_at"))
    assert ends == {"first": read, "last": read}


@pytest.mark.only_on("postgresql")
@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
@pytest.mark.parametrize("written", ["infinity", "-infinity"])
def test_moment_beyond_all_dates_is_read_in_any_zone(written: str, zone: str) -> None:
    Queue.objects.create(name="mail")
    set_moment(Queue, "paused_at", written)
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL TIME ZONE '{zone}'")
    assert Queue.objects.get().paused_at is not None
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL TIME ZONE 'UTC'")


@pytest.mark.only_on("mariadb", "mysql")
@pytest.mark.parametrize("written", ["0000-00-00", "2026-00-00", "2026-05-00"])
def test_date_of_zeros_is_the_first_one(written: str) -> None:
    Queue.objects.create(name="mail")
    set_moment(Queue, "paused_at", written)
    assert Queue.objects.get().paused_at == FIRST
    assert Queue.objects.filter(paused_at__isnull=False).exists()


@pytest.mark.only_on("sqlite")
@pytest.mark.parametrize(
    "written",
    [
        *("yesterday", "", "now", "12:00", "2451545", "2026-13-01 00:00:00"),
        *("2026-02-30 00:00:00", "0000-01-01 00:00:00", "2026-01-01 24:00:00"),
        *("2026-01-01 00:00:60", "2026-01-01 00:00:00 nonsense", "2026-01-01\t00:00"),
        *("2026-01-01 00:00:00\x00nonsense", 5, 2.5, b"2026-01-01 00:00:00"),
    ],
)
def test_what_is_no_date_is_none_or_the_first_one(written: Any) -> None:
    Queue.objects.create(name="mail")
    set_moment(Queue, "paused_at", written)
    assert Queue.objects.get().paused_at is None
    record.enqueue("key")
    set_moment(ReadyJob, "ready_at", written)
    assert ReadyJob.objects.get().ready_at == FIRST


@pytest.mark.only_on("sqlite")
@pytest.mark.parametrize(
    "written",
    [
        *("2026-01-02 03:04:05", "2026-01-02 03:04:05.123456", "2026-01-02T03:04:05"),
        *("2026-01-02 03:04", "9999-12-31 23:59:59.999999", "0001-01-01 00:00:00"),
    ],
)
def test_what_is_a_date_stays_it(written: str) -> None:
    Queue.objects.create(name="mail")
    set_moment(Queue, "paused_at", written)
    expected = datetime.fromisoformat(written).replace(tzinfo=UTC)
    assert Queue.objects.get().paused_at == expected


WRITTEN = (
    *("infinity", "-infinity", "0044-03-15 12:00+00 BC", "20000-01-01 00:00+00"),
    *("0000-00-00", "2026-00-00", "yesterday", "5", "2500-01-01 00:00:00"),
)


@pytest.mark.parametrize("written", WRITTEN)
def test_job_that_is_ready_since_no_date_runs_and_so_do_others(written: str) -> None:
    first, worker = record.enqueue("first"), InlineWorker()
    try:
        with transaction.atomic():
            set_moment(ReadyJob, "ready_at", written)
    except DatabaseError:
        pytest.skip(f"{connection.display_name} has no {written}")
    after = record.enqueue("after")
    vendor = vendor_of(connection)
    table = table_of(ReadyJob, vendor)
    assert vendor.heads(table, "bgtasks_ready_claim")
    assert vendor.first(table, "ready_at")[0] is not None
    assert vendor.first_of_each(table, "ready_at", 10)
    jobs = worker.claim()
    assert {job.public_id for job in jobs} == {first.id, after.id}
    # From there on the next ones are looked for.
    assert all(LONG_AGO <= job.ready_at <= timezone.now() for job in jobs)
    assert [worker.run(job).kind for job in jobs] == ["succeeded"] * 2
