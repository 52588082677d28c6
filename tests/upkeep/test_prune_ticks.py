from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection

from django_bgtasks.models import Schedule, Tick
from django_bgtasks.results import public
from django_bgtasks.upkeep.ticks import prune_ticks
from django_bgtasks.vendors import vendor_of

pytestmark = pytest.mark.django_db
MONTH = timedelta(days=30)


def make(*days: int) -> None:
    now = vendor_of(connection).now()
    schedule = Schedule.objects.create(name="a", task_path="x.tasks.y")
    for each in days:
        at = public(now - timedelta(days=each))
        Tick.objects.create(
            schedule=schedule, due_at=at, ticked_at=at, outcome="enqueued", detail=each
        )


def test_only_what_is_older_goes() -> None:
    make(1, 29, 31, 400)
    assert prune_ticks(vendor_of(connection), MONTH) == 2
    left = Tick.objects.order_by("pk").values_list("detail", flat=True)
    assert list(left) == ["1", "29"]


def test_batches_are_bounded_and_oldest_first() -> None:
    make(40, 60, 50)
    assert prune_ticks(vendor_of(connection), MONTH, limit=2) == 2
    assert [each.detail for each in Tick.objects.all()] == ["40"]


def test_none_keeps_all() -> None:
    make(4000)
    assert prune_ticks(vendor_of(connection), None) == 0
    assert Tick.objects.count() == 1
