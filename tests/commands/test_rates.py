from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from django_bgtasks.models import FinishedJob
from django_bgtasks.overview import rates
from django_bgtasks.overview.rates import (
    FIVE_MINUTES,
    Finish,
    Sample,
    Throughput,
    read_rates,
    retentions_in,
    throughput,
)
from django_bgtasks.testing import run_pending
from django_bgtasks.vendors import vendor_of

from . import tasks

WEEK, TWO_HOURS = timedelta(days=7), timedelta(hours=2)


def done(age: float, *, succeeded: bool = True, queue: str = "a") -> Finish:
    return Finish(queue, succeeded, age)


def sample(*ages: float, reach: float = FIVE_MINUTES) -> Sample:
    return Sample([done(age) for age in ages], reach)


def test_nothing_finished_makes_no_rate() -> None:
    assert throughput([]) == throughput([sample()]) == {}


def test_each_window_counts_what_lies_in_it() -> None:
    found = throughput([sample(1, 2, 59, 61, 299)])
    assert found["a"] == Throughput(3 / 60, pytest.approx(5 / 300), 0, True)


def test_samples_add_up_and_queues_do_not() -> None:
    other = Sample([done(1, queue="b"), done(2, succeeded=False)], FIVE_MINUTES)
    found = throughput([sample(5), other])
    assert found["a"].last_minute == pytest.approx(2 / 60)
    assert found["b"].last_minute == pytest.approx(1 / 60)
    assert (found["a"].failed, found["b"].failed) == (1, 0)


def test_sample_that_was_cut_is_stretched() -> None:
    found = throughput([sample(0.5, 1, 1.5, 2, reach=2)])
    assert found["a"].last_minute == found["a"].last_five == pytest.approx(2)
    assert not found["a"].exact


def test_sample_of_one_instant_has_a_rate() -> None:
    found = throughput([sample(0, 0, reach=0)])
    assert found["a"].last_minute == pytest.approx(2_000)


pytest_db = pytest.mark.django_db


def read(*kept: timedelta | None) -> Any:
    return read_rates(vendor_of(connection), kept).get("default", Throughput())


@pytest_db
def test_each_retention_is_looked_at_once() -> None:
    tasks.succeed.enqueue()
    tasks.briefly_kept.enqueue()
    run_pending()
    assert read(WEEK).last_minute == pytest.approx(1 / 60)
    assert read(TWO_HOURS).last_minute == pytest.approx(1 / 60)
    assert read(WEEK, TWO_HOURS).last_minute == pytest.approx(2 / 60)
    # Nearly the same retention means nearly the same range.
    assert read(WEEK, WEEK + timedelta(seconds=1)).last_minute == pytest.approx(1 / 60)


@pytest_db
def test_what_is_kept_for_ever_is_seen() -> None:
    tasks.kept_for_ever.enqueue()
    run_pending()
    assert read(None).last_minute == pytest.approx(1 / 60)
    assert read(WEEK) == Throughput()


@pytest_db
def test_what_finished_earlier_is_not_counted() -> None:
    tasks.succeed.enqueue()
    tasks.kept_for_ever.enqueue()
    run_pending()
    ages = [timedelta(minutes=2), timedelta(minutes=10)]
    for age, minute, five in ((ages[0], 0, 2 / 300), (ages[1], 0, 0)):
        FinishedJob.objects.update(finished_at=F("finished_at") - age)
        FinishedJob.objects.filter(keep_until__isnull=False).update(
            keep_until=F("keep_until") - age
        )
        found = read(WEEK, None)
        assert found.last_minute == minute
        assert found.last_five == pytest.approx(five)


@pytest_db
def test_no_more_is_read_than_the_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    tasks.succeed.enqueue_many([((n,), {}) for n in range(6)])
    run_pending()
    monkeypatch.setattr(rates, "SAMPLE", 4)
    found = read(WEEK)
    assert found.last_minute > 1
    assert not found.exact


@pytest_db
def test_one_bounded_query_serves_each_retention() -> None:
    tasks.succeed.enqueue()
    run_pending()
    with CaptureQueriesContext(connection) as captured:
        read(WEEK, TWO_HOURS, timedelta())
    queries = [each["sql"] for each in captured if "finishedjob" in each["sql"]]
    assert len(queries) == 2
    assert all("keep_until" in sql and "LIMIT" in sql for sql in queries)


def test_retentions_are_those_of_settings_and_tasks(settings: Any) -> None:
    settings.TASKS = {
        "default": {
            **settings.TASKS["default"],
            "OPTIONS": {"RETENTION": {"successful": "13d", "failed": "17d"}},
        }
    }
    of_settings = {timedelta(days=13), timedelta(days=17)}
    of_tasks = {TWO_HOURS, None}
    assert of_settings | of_tasks <= retentions_in("default")
    assert of_tasks <= retentions_in("other")
    assert not of_settings & retentions_in("other")
