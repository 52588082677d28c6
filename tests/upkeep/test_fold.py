from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from django_bgtasks.models import Rollup
from django_bgtasks.results import public
from django_bgtasks.upkeep.fold import KEPT, block, fold
from django_bgtasks.vendors import vendor_of
from tests.elsewhere import elsewhere

PART, MINUTE, TEN, HOUR = 0, 60, 600, 3600
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def row(start_at, span=PART, queue_name="q", **figures):
    return Rollup.objects.create(
        start_at=public(start_at), span=span, queue_name=queue_name, **figures
    )


def folded(now, **options):
    return fold(vendor_of(connection), now=now, **options)


def spans():
    rows = Rollup.objects.order_by("start_at", "queue_name", "span")
    vendor = vendor_of(connection)
    return [
        (each.queue_name, each.span, vendor.from_database(each.start_at))
        for each in rows
    ]


@pytest.mark.django_db
def test_parts_of_a_minute_become_one_row():
    row(NOON, succeeded=2, failed=1, wait_sum=1.5, wait_max=1.0, run_sum=3.0)
    row(NOON, retried=4, cancelled=5, wait_sum=0.5, wait_max=0.25, run_sum=1.0)
    row(NOON, queue_name="mail", succeeded=7)
    assert folded(NOON + timedelta(minutes=3)) is False
    assert spans() == [("mail", MINUTE, NOON), ("q", MINUTE, NOON)]
    total = Rollup.objects.get(queue_name="q")
    assert (total.succeeded, total.failed, total.retried, total.cancelled) == (
        *(2, 1, 4, 5),
    )
    assert (total.wait_sum, total.wait_max, total.run_sum) == (2.0, 1.0, 4.0)


@pytest.mark.django_db
def test_minute_that_workers_may_still_write_is_left():
    row(NOON)
    folded(NOON + timedelta(seconds=70))
    assert spans() == [("q", PART, NOON)]


@pytest.mark.django_db
def test_figures_grow_coarser_with_age_and_lose_nothing():
    for minutes in range(60):
        row(NOON + timedelta(minutes=minutes), succeeded=1, wait_max=minutes)
    folded(NOON + timedelta(hours=1, minutes=30))
    assert {span for _, span, _ in spans()} == {MINUTE}
    folded(NOON + timedelta(hours=3, minutes=1))
    assert [span for _, span, _ in spans()] == [TEN] * 6
    folded(NOON + timedelta(days=2, hours=1, minutes=1))
    assert spans() == [("q", HOUR, NOON)]
    assert Rollup.objects.get().succeeded == 60
    assert Rollup.objects.get().wait_max == 59


@pytest.mark.django_db
def test_late_row_is_folded_too():
    row(NOON, MINUTE, succeeded=1)
    row(NOON, PART, succeeded=1)
    folded(NOON + timedelta(minutes=3))
    assert spans() == [("q", MINUTE, NOON)] * 2
    folded(NOON + timedelta(hours=3))
    assert [each.succeeded for each in Rollup.objects.all()] == [2]


@pytest.mark.django_db
def test_old_hours_are_forgotten():
    row(NOON, HOUR)
    row(NOON + timedelta(hours=1), HOUR)
    folded(NOON + KEPT + timedelta(minutes=30))
    assert spans() == [("q", HOUR, NOON + timedelta(hours=1))]


@pytest.mark.django_db
def test_batch_is_no_larger_than_asked_for():
    for minutes in range(5):
        row(NOON + timedelta(minutes=minutes))
    later = NOON + timedelta(minutes=30)
    assert folded(later, limit=3) is True
    assert [span for _, span, _ in spans()] == [MINUTE] * 3 + [PART] * 2
    assert folded(later, limit=3) is False
    assert [span for _, span, _ in spans()] == [MINUTE] * 5


@pytest.mark.only_on("postgresql", "mariadb", "mysql")
@pytest.mark.django_db(transaction=True)
def test_rows_that_another_folds_are_skipped():
    held, free = row(NOON), row(NOON + timedelta(minutes=1))
    with elsewhere() as other:
        other.begin()
        other.run(lambda: list(Rollup.objects.select_for_update().filter(pk=held.pk)))
        folded(NOON + timedelta(minutes=30))
        assert Rollup.objects.filter(pk=held.pk, span=PART).exists()
        assert not Rollup.objects.filter(pk=free.pk).exists()
        other.rollback()


@pytest.mark.parametrize(
    ("seconds", "minutes"), [(60, 47), (600, 40), (3600, 0)], ids=str
)
def test_block_is_a_multiple_of_its_length(seconds, minutes):
    moment = NOON + timedelta(minutes=47, seconds=11, microseconds=3)
    assert block(moment, seconds) == NOON + timedelta(minutes=minutes)
