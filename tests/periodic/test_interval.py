"""Intervals and one-offs: exact, and without regard to any clock that is set."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_bgtasks.periodic.clocked import Clocked
from django_bgtasks.periodic.interval import LONGEST, SHORTEST, Interval

pytestmark = pytest.mark.once

TICK = timedelta(microseconds=1)
ANCHOR = datetime(2026, 1, 1, 9, tzinfo=UTC)
NEW_YORK = ZoneInfo("America/New_York")
MOMENTS = st.datetimes(
    datetime(1900, 1, 2), datetime(2500, 12, 30), timezones=st.timezones()
)
EARLY = st.datetimes(
    datetime(1950, 1, 2), datetime(1960, 1, 1), timezones=st.timezones()
)
EVERY = st.timedeltas(SHORTEST, LONGEST)


def test_begins_at_its_anchor():
    interval = Interval(timedelta(minutes=5), ANCHOR)
    assert interval.next(ANCHOR - timedelta(days=1)) == ANCHOR
    assert interval.last(ANCHOR - TICK) is None
    assert interval.last(ANCHOR) == ANCHOR
    assert interval.next(ANCHOR) == ANCHOR + timedelta(minutes=5)


def test_does_not_drift_when_it_is_asked_late():
    interval = Interval(timedelta(minutes=5), ANCHOR)
    late = ANCHOR + timedelta(minutes=7, seconds=42)
    assert interval.next(late) == ANCHOR + timedelta(minutes=10)


@pytest.mark.parametrize("date", [(2026, 3, 8), (2026, 11, 1)])
def test_goes_on_while_clocks_are_set(date):
    interval = Interval(timedelta(minutes=30), datetime(*date, tzinfo=NEW_YORK))
    moment = datetime(*date, tzinfo=NEW_YORK).astimezone(UTC)
    for _ in range(60):
        following = interval.next(moment)
        assert following is not None
        assert following - moment == timedelta(minutes=30)
        moment = following


@given(EVERY, MOMENTS, MOMENTS)
def test_is_due_at_multiples_of_its_length(every, anchor, moment):
    interval = Interval(every, anchor)
    following, previous = interval.next(moment), interval.last(moment)
    assert following is not None
    assert (following - anchor.astimezone(UTC)) % every == timedelta()
    assert following.utcoffset() == timedelta()
    if moment.astimezone(UTC) < anchor.astimezone(UTC):
        assert (previous, following) == (None, anchor.astimezone(UTC))
    else:
        assert previous is not None
        assert previous <= moment.astimezone(UTC) < following
        assert following - previous == every


@given(EVERY, EARLY, st.integers(0, 10**6), st.integers(0, 50))
def test_counts_without_walking(every, anchor, skipped, number):
    interval = Interval(every, anchor)
    start = anchor.astimezone(UTC)
    skipped = min(skipped, (datetime(2300, 1, 1, tzinfo=UTC) - start) // every)
    number = min(number, (datetime(2400, 1, 1, tzinfo=UTC) - start) // every - skipped)
    since, until = start + skipped * every, start + (skipped + number) * every
    assert interval.count(since, until) == number + 1
    assert interval.count(since + TICK, until) == number
    assert interval.count(since, until - TICK) == number
    before = start - timedelta(days=9)
    assert interval.count(before, until) == skipped + number + 1


def test_four_centuries_of_seconds_are_counted_at_once():
    interval = Interval(timedelta(seconds=1), datetime(1900, 1, 1, tzinfo=UTC))
    end = datetime(2300, 1, 1, tzinfo=UTC)
    assert interval.count(interval.anchor, end) == 146_097 * 86_400 + 1
    assert interval.last(end) == end


@pytest.mark.parametrize(
    "every",
    [timedelta(), timedelta(seconds=-5), timedelta(milliseconds=1), timedelta(36_525)],
)
def test_length_out_of_bounds_is_refused(every):
    with pytest.raises(
        ValueError, match="every must be between 1 second and 3660 days"
    ):
        Interval(every, ANCHOR)


@pytest.mark.parametrize("anchor", [datetime(2026, 1, 1), datetime.max, datetime.min])
def test_anchor_without_zone_is_refused(anchor):
    with pytest.raises(ValueError, match="anchor must have a time zone"):
        Interval(timedelta(minutes=1), anchor)


@pytest.mark.parametrize("year", [1, 1899, 2501, 9999])
def test_years_out_of_bounds_are_refused(year):
    moment = datetime(year, 1, 1, tzinfo=UTC)
    with pytest.raises(ValueError, match="anchor must lie in the years 1900 to 2500"):
        Interval(timedelta(minutes=1), moment)
    with pytest.raises(ValueError, match="at must lie in the years 1900 to 2500"):
        Clocked(moment)
    with pytest.raises(ValueError, match="after must lie in the years"):
        Interval(timedelta(minutes=1), ANCHOR).next(moment)
    with pytest.raises(ValueError, match="until must lie in the years"):
        Clocked(ANCHOR).last(moment)


@pytest.mark.parametrize(
    ("every", "words"),
    [
        (timedelta(minutes=5), "every 5 minutes"),
        (timedelta(minutes=1), "every minute"),
        (timedelta(hours=1), "every hour"),
        (timedelta(days=1), "every day"),
        (timedelta(days=14), "every 14 days"),
        (timedelta(seconds=1), "every second"),
        (timedelta(seconds=90), "every 1 minute and 30 seconds"),
        (timedelta(seconds=1.5), "every 1.5 seconds"),
        (timedelta(hours=25, seconds=2), "every 1 day, 1 hour and 2 seconds"),
        (timedelta(minutes=1, milliseconds=20), "every 1 minute and 0.02 seconds"),
    ],
)
def test_interval_in_words(every, words):
    assert Interval(every, ANCHOR).words() == words


def test_one_off_is_due_once():
    at = datetime(2026, 11, 21, 9, tzinfo=ZoneInfo("Europe/Berlin"))
    clocked = Clocked(at)
    assert clocked.next(at - TICK) == datetime(2026, 11, 21, 8, tzinfo=UTC)
    assert clocked.next(at) is None
    assert clocked.last(at) == at
    assert clocked.last(at - TICK) is None
    assert clocked.count(at, at) == 1
    assert (
        clocked.count(at + TICK, at + TICK) == clocked.count(at - TICK, at - TICK) == 0
    )


@pytest.mark.parametrize(
    ("at", "words"),
    [
        (datetime(2026, 11, 21, 9, tzinfo=UTC), "at 2026-11-21 09:00 UTC"),
        (
            datetime(2026, 11, 21, 9, 0, 30, tzinfo=NEW_YORK),
            "at 2026-11-21 09:00:30 America/New_York",
        ),
    ],
)
def test_one_off_in_words(at, words):
    assert Clocked(at).words() == words


def test_one_off_without_zone_is_refused():
    with pytest.raises(ValueError, match=r"at must have a time zone, .*2026-01-01"):
        Clocked(datetime(2026, 1, 1))
