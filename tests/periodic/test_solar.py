"""The sun, at places with and without a day every day."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from django_bgtasks.periodic.solar import SOLAR_EVENTS, Solar

pytestmark = pytest.mark.once

TICK = timedelta(microseconds=1)
MOMENTS = st.datetimes(
    datetime(1902, 1, 1), datetime(2498, 12, 31), timezones=st.just(UTC)
)
LONGITUDES = st.floats(-180, 180) | st.sampled_from([-180, -179.9, 0, 179.9, 180])
BERLIN, LONGYEARBYEN = (52.52, 13.405), (78.22, 15.65)


@pytest.mark.parametrize(
    ("event", "place", "date", "almanac"),
    [
        ("sunrise", BERLIN, (2026, 6, 21), "02:43"),
        ("sunset", BERLIN, (2026, 6, 21), "19:33"),
        ("sunrise", (51.5074, -0.1278), (2026, 12, 21), "08:04"),
        ("sunset", (51.5074, -0.1278), (2026, 12, 21), "15:53"),
        ("sunset", (40.7128, -74.006), (2026, 3, 20), "23:09"),
        ("solar_noon", (-33.8688, 151.2093), (2026, 1, 1), "01:59"),
    ],
)
def test_agrees_with_almanacs_to_two_minutes(event, place, date, almanac):
    begin = datetime(*date, tzinfo=UTC)
    hour, minute = map(int, almanac.split(":"))
    expected = begin + timedelta(hours=hour, minutes=minute)
    found = Solar(event, *place).next(begin)
    assert found is not None
    assert abs(found - expected) <= timedelta(minutes=2)


@pytest.mark.parametrize("place", [BERLIN, (-33.87, 151.21), (0, 180), (21.3, -157.9)])
def test_events_of_a_day_are_in_their_order(place):
    moment = datetime(2026, 3, 20, tzinfo=UTC)
    first = Solar(SOLAR_EVENTS[0], *place).next(moment)
    assert first is not None
    found = [Solar(event, *place).next(first - TICK) for event in SOLAR_EVENTS]
    assert None not in found
    assert found == sorted(found)
    assert found[-1] - found[0] < timedelta(hours=24)


@settings(max_examples=60)
@given(st.sampled_from(SOLAR_EVENTS), st.floats(-45, 45), LONGITUDES, MOMENTS)
def test_comes_every_day_between_the_polar_circles(event, latitude, longitude, moment):
    solar = Solar(event, latitude, longitude)
    for _ in range(10):
        following = solar.next(moment)
        assert following is not None
        assert following - moment <= timedelta(hours=24, minutes=5)
        again = solar.next(following)
        assert again is not None
        assert abs(again - following - timedelta(hours=24)) < timedelta(minutes=5)
        moment = following


@settings(max_examples=60)
@given(st.sampled_from(SOLAR_EVENTS), st.floats(-80, 80), LONGITUDES, MOMENTS)
def test_next_and_last_agree_everywhere(event, latitude, longitude, moment):
    solar = Solar(event, latitude, longitude)
    following, previous = solar.next(moment), solar.last(moment)
    assert following is not None
    assert previous is not None
    assert previous <= moment < following
    assert solar.last(following) == following
    assert solar.last(following - TICK) == previous
    assert solar.next(previous) == following
    assert solar.count(previous, previous + TICK) == 1


def test_days_without_a_sunset_are_left_out():
    sunset = Solar("sunset", *LONGYEARBYEN)
    spring = sunset.last(datetime(2026, 6, 1, tzinfo=UTC))
    summer = sunset.next(datetime(2026, 6, 1, tzinfo=UTC))
    assert spring is not None
    assert summer is not None
    # The midnight sun lasts from 20 April to 22 August.
    assert (
        datetime(2026, 4, 15, tzinfo=UTC) < spring < datetime(2026, 4, 22, tzinfo=UTC)
    )
    assert (
        datetime(2026, 8, 20, tzinfo=UTC) < summer < datetime(2026, 8, 27, tzinfo=UTC)
    )
    assert sunset.count(spring, summer) == 2


@pytest.mark.parametrize("latitude", [-90, 90])
@pytest.mark.parametrize("event", SOLAR_EVENTS)
def test_at_the_poles_the_search_goes_on_for_years(event, latitude):
    solar = Solar(event, latitude, 79)
    for year in (2000, 2026):
        moment = datetime(year, 2, 1, tzinfo=UTC)
        following, previous = solar.next(moment), solar.last(moment)
        assert following is not None
        assert previous is not None
        assert solar.next(previous) == following
        assert solar.last(following - TICK) == previous


def test_days_are_counted_up_to_some_years():
    noon = Solar("solar_noon", *BERLIN)
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    assert noon.count(begin, begin + timedelta(days=365)) == 365
    assert noon.count(begin, begin.replace(year=2426)) is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("midnight", 0, 0), "event must be one of dawn_astronomical, .*'midnight'"),
        (("sunset", 90.1, 0), "latitude must be a number from -90 to 90, not 90.1"),
        (("sunset", 0, -180.5), "longitude must be a number from -180 to 180"),
        (("sunset", float("nan"), 0), "latitude must be a number"),
        (("sunset", 0, float("inf")), "longitude must be a number"),
        (("sunset", "52", 0), "latitude must be a number from -90 to 90, not '52'"),
        (("sunset", True, 0), "latitude must be a number"),
    ],
)
def test_bad_place_or_event_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        Solar(*arguments)


def test_without_astral_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "astral", None)
    solar = Solar("sunset", *BERLIN)
    with pytest.raises(ImportError, match=r'pip install "django-bgtasks\[solar\]"'):
        solar.next(datetime(2026, 1, 1, tzinfo=UTC))


def test_says_itself_in_words():
    assert Solar("sunset", 52.5, 13.4).words() == "at sunset (52.5, 13.4)"
    assert Solar("dusk_civil", -33, 18).words() == "at dusk civil (-33, 18)"
