"""Crontabs against a reference that looks at the clock all the time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from croniter import croniter
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from django_bgtasks.periodic.crontab import Crontab
from tests.periodic import reference
from tests.periodic.reference import DAY, LENGTHS, ZONES, Sample, places, samples

pytestmark = pytest.mark.once

TICK = timedelta(microseconds=1)
MOMENTS = st.datetimes(
    datetime(1950, 1, 1), datetime(2450, 12, 31), timezones=st.just(UTC)
)


def forwards(crontab: Crontab, begin: datetime, end: datetime) -> list[datetime]:
    found = []
    moment = crontab.next(begin - TICK)
    while moment is not None and moment <= end:
        found.append(moment)
        moment = crontab.next(moment)
    return found


def backwards(crontab: Crontab, begin: datetime, end: datetime) -> list[datetime]:
    found = []
    moment = crontab.last(end)
    while moment is not None and moment >= begin:
        found.append(moment)
        moment = crontab.last(moment - TICK)
    return found[::-1]


def legal(sample: Sample, zone: str) -> Crontab:
    try:
        return Crontab(sample.text, zone)
    except ValueError:
        assume(False)
        raise


def check(sample: Sample, zone: str, begin: datetime, length: timedelta) -> None:
    crontab = legal(sample, zone)
    end = begin + length
    expected = reference.due(sample, zone, begin, end)
    assert forwards(crontab, begin, end) == expected
    assert backwards(crontab, begin, end) == expected
    assert crontab.count(begin, end) == len(expected)


HOURS_THAT_ELAPSE = st.sampled_from(
    [("*", frozenset(range(24)))]
    + [(f"*/{n}", frozenset(range(0, 24, n))) for n in (1, 2, 3, 5, 6, 12, 23)]
)


@settings(max_examples=60)
@given(samples(), places(), LENGTHS)
def test_is_due_when_the_reference_is(sample, place, length):
    zone, _, begin = place
    check(sample, zone, begin, length)


@settings(max_examples=60)
@given(samples(HOURS_THAT_ELAPSE), places(), LENGTHS)
def test_hour_that_elapses_is_due_whenever_the_clock_shows_it(sample, place, length):
    zone, _, begin = place
    check(sample, zone, begin, length)


@settings(max_examples=100)
@given(st.data(), places(), LENGTHS)
def test_fixed_hours_next_to_a_change_of_the_clock(data, place, length):
    zone, change, begin = place
    shown = [change + reference.offset(zone, t) for t in (change - DAY, change + DAY)]
    numbers = [(each.hour + n) % 24 for each in shown for n in (-1, 0, 1)]
    hours = st.lists(st.sampled_from(numbers), min_size=1, max_size=3).map(
        lambda each: (",".join(map(str, each)), frozenset(each))
    )
    check(data.draw(samples(hours)), zone, begin, length)


@settings(max_examples=150)
@given(samples(sparse=True), st.sampled_from(ZONES), MOMENTS)
def test_next_and_last_agree_at_any_time(sample, zone, moment):
    crontab = legal(sample, zone)
    following, previous = crontab.next(moment), crontab.last(moment)
    assert previous is not None
    assert following is not None
    assert previous <= moment < following
    assert crontab.last(following) == following
    assert crontab.last(following - TICK) == previous
    assert crontab.next(previous) == following
    assert crontab.next(previous - TICK) == previous


@settings(max_examples=150)
@given(
    samples(sparse=True),
    st.datetimes(datetime(1971, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC)),
)
def test_calendar_is_that_of_croniter(sample, moment):
    crontab = legal(sample, "UTC")
    texts = sample.day[0], sample.weekday[0]
    # There croniter wants a day to match one of the two, cron(8) both.
    assume("*" in texts or not any(text.startswith("*/") for text in texts))
    # It takes an equal range for the whole field.
    assume(not any(f"{n}-{n}" in sample.text for n in range(60)))
    theirs = croniter(sample.text, moment)
    assert crontab.next(moment) == theirs.get_next(datetime)
    assert crontab.last(moment - TICK) == croniter(sample.text, moment).get_prev(
        datetime
    )


@settings(max_examples=40)
@given(
    st.lists(st.integers(0, 59), min_size=1, max_size=5),
    samples(HOURS_THAT_ELAPSE),
    places(),
)
def test_seconds_are_those_of_each_minute(seconds, sample, place):
    zone, _, begin = place
    crontab = legal(sample, zone)
    text = f"{','.join(map(str, seconds))} {sample.text}"
    minutes = reference.due(sample, zone, begin, begin + DAY / 4)
    found = forwards(Crontab(text, zone), begin, begin + DAY / 4)
    expected = {
        minute + timedelta(seconds=second) for minute in minutes for second in seconds
    }
    started = crontab.last(begin)
    assume(started is None or begin - started >= timedelta(minutes=1))
    assert found == sorted(each for each in expected if each <= begin + DAY / 4)
