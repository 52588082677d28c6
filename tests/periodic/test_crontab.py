"""Both days of the year on which clocks are set, place by place."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from django_bgtasks.periodic.crontab import Crontab

pytestmark = pytest.mark.once

TICK, HOUR = timedelta(microseconds=1), timedelta(hours=1)


def day(expression: str, zone: str, date: str, hours: int = 24) -> list[str]:
    """Return what the clock shows whenever ``expression`` is due on a day."""
    place = ZoneInfo(zone)
    crontab = Crontab(expression, zone)
    begin = datetime.fromisoformat(date).replace(tzinfo=place).astimezone(UTC)
    found = []
    moment = crontab.next(begin - TICK)
    while moment is not None and moment < begin + timedelta(hours=hours):
        found.append(f"{moment.astimezone(place):%d %H:%M %Z}")
        moment = crontab.next(moment)
    return found


def clocks(*texts: str, on: str) -> list[str]:
    return [f"{on} {text}" for text in texts]


class TestNewYork:
    SPRING, AUTUMN = "2026-03-08", "2026-11-01"

    def due(self, expression: str, date: str, until: int) -> list[str]:
        found = day(expression, "America/New_York", date, until)
        assert all(each.startswith(date[-2:]) for each in found)
        return [each[3:] for each in found]

    def test_time_in_the_gap_runs_when_the_gap_ends(self):
        assert self.due("30 2 * * *", self.SPRING, 23) == ["03:00 EDT"]

    def test_times_in_the_gap_and_at_its_end_are_one_run(self):
        assert self.due("*/30 2-3 * * *", self.SPRING, 23) == ["03:00 EDT", "03:30 EDT"]

    def test_time_that_comes_twice_runs_the_first_time(self):
        assert self.due("30 1 * * *", self.AUTUMN, 25) == ["01:30 EDT"]
        assert self.due("30 1 * * *", self.SPRING, 23) == ["01:30 EST"]

    def test_time_after_the_repeated_hour_runs_once(self):
        assert self.due("30 2 * * *", self.AUTUMN, 25) == ["02:30 EST"]

    def test_every_hour_runs_in_the_repeated_hour(self):
        assert self.due("0 * * * *", self.AUTUMN, 4) == [
            *("00:00 EDT", "01:00 EDT", "01:00 EST", "02:00 EST")
        ]
        assert len(self.due("0 * * * *", self.AUTUMN, 25)) == 25

    def test_every_hour_leaves_out_the_hour_that_is_skipped(self):
        assert self.due("0 * * * *", self.SPRING, 3) == [
            *("00:00 EST", "01:00 EST", "03:00 EDT")
        ]
        assert len(self.due("0 * * * *", self.SPRING, 23)) == 23

    def test_every_half_hour_runs_in_the_repeated_hour(self):
        assert self.due("*/30 * * * *", self.AUTUMN, 3)[2:] == [
            *("01:00 EDT", "01:30 EDT", "01:00 EST", "01:30 EST")
        ]

    def test_every_minute_is_never_silent(self):
        crontab = Crontab("* * * * *", "America/New_York")
        moment = datetime(2026, 11, 1, 4, tzinfo=UTC)
        for _ in range(240):
            following = crontab.next(moment)
            assert following == moment + timedelta(minutes=1)
            moment = following

    def test_every_second_hour_has_no_run_at_an_hour_that_is_skipped(self):
        assert self.due("0 */2 * * *", self.SPRING, 23)[:3] == [
            *("00:00 EST", "04:00 EDT", "06:00 EDT")
        ]
        assert len(self.due("0 */2 * * *", self.AUTUMN, 25)) == 12

    def test_step_of_a_range_is_fixed(self):
        assert self.due("0 0-23/2 * * *", self.SPRING, 5) == [
            *("00:00 EST", "03:00 EDT", "04:00 EDT")
        ]
        assert self.due("0 0-23 * * *", self.AUTUMN, 4) == [
            *("00:00 EDT", "01:00 EDT", "02:00 EST")
        ]

    def test_every_minute_of_a_fixed_hour_runs_sixty_times(self):
        assert len(self.due("* 1 * * *", self.AUTUMN, 25)) == 60
        assert self.due("* 2 * * *", self.SPRING, 23) == ["03:00 EDT"]


def test_asked_while_an_hour_comes_again():
    crontab = Crontab("*/10 1 * * *", "America/New_York")
    again = datetime(2026, 11, 1, 1, 15, tzinfo=ZoneInfo("America/New_York"), fold=1)
    assert crontab.next(again) == datetime(2026, 11, 2, 6, tzinfo=UTC)
    assert crontab.last(again) == datetime(2026, 11, 1, 5, 50, tzinfo=UTC)
    assert crontab.count(again, again + timedelta(hours=12)) == 0


def test_asked_at_the_end_of_a_gap():
    crontab = Crontab("15,45 2 * * *", "America/New_York")
    gap = datetime(2026, 3, 8, 7, tzinfo=UTC)
    assert crontab.next(gap - TICK) == crontab.last(gap) == gap
    assert crontab.last(gap - TICK) == datetime(2026, 3, 7, 7, 45, tzinfo=UTC)
    assert crontab.next(gap) == datetime(2026, 3, 9, 6, 15, tzinfo=UTC)
    assert crontab.count(gap, gap) == 1
    assert crontab.count(gap - TICK, gap + timedelta(hours=1)) == 1
    assert crontab.count(gap + TICK, gap + timedelta(hours=1)) == 0


def test_change_of_the_clock_shortly_before_a_distant_run():
    # At 23:00 of Saturday it becomes midnight in Nuuk.
    crontab = Crontab("0 * 29 3 *", "America/Nuuk")
    midnight = datetime(2026, 3, 29, 1, tzinfo=UTC)
    for hours in (1, 20, 37, 50, 24 * 80):
        assert crontab.next(midnight - timedelta(hours=hours)) == midnight
    saturday = Crontab("0 * 28 3 *", "America/Nuuk")
    for hours in (0, 20, 37, 50, 24 * 80):
        assert saturday.last(midnight + timedelta(hours=hours)) == midnight - HOUR


def test_last_second_before_the_clock_is_set():
    crontab = Crontab("59 59 * * * *", "America/New_York")
    gap = datetime(2026, 3, 8, 7, tzinfo=UTC)
    assert crontab.last(gap) == gap - timedelta(seconds=1)


class TestLondon:
    def test_spring(self):
        spring = "2026-03-29"
        assert day("30 1 * * *", "Europe/London", spring, 23) == ["29 02:00 BST"]
        assert day("0 * * * *", "Europe/London", spring, 3) == clocks(
            "00:00 GMT", "02:00 BST", "03:00 BST", on="29"
        )

    def test_autumn(self):
        autumn = "2026-10-25"
        assert day("30 1 * * *", "Europe/London", autumn, 25) == ["25 01:30 BST"]
        assert day("0 * * * *", "Europe/London", autumn, 4) == clocks(
            "00:00 BST", "01:00 BST", "01:00 GMT", "02:00 GMT", on="25"
        )


class TestLordHowe:
    """The clock is set by half an hour."""

    def test_spring(self):
        spring = "2026-10-04"
        assert day("15 2 * * *", "Australia/Lord_Howe", spring) == ["04 02:30 +11"]
        assert day("*/15 * * * *", "Australia/Lord_Howe", spring, 3)[7:10] == clocks(
            "01:45 +1030", "02:30 +11", "02:45 +11", on="04"
        )

    def test_autumn(self):
        autumn = "2026-04-05"
        assert day("45 1 * * *", "Australia/Lord_Howe", autumn) == ["05 01:45 +11"]
        assert day("0,30 * * * *", "Australia/Lord_Howe", autumn, 3)[2:] == clocks(
            "01:00 +11", "01:30 +11", "01:30 +1030", "02:00 +1030", on="05"
        )


class TestApia:
    """2011-12-30 does not exist."""

    def test_day_that_is_skipped_has_no_run(self):
        assert day("0 12 * * *", "Pacific/Apia", "2011-12-29", 48) == [
            *("29 12:00 -10", "31 12:00 +14")
        ]
        assert day("0 12 30 12 *", "Pacific/Apia", "2011-12-01", 24 * 60) == []

    def test_midnight_after_it_runs_once(self):
        assert day("0 0 * * *", "Pacific/Apia", "2011-12-29", 48) == [
            *("29 00:00 -10", "31 00:00 +14")
        ]

    def test_every_hour_goes_on(self):
        assert day("0 * * * *", "Pacific/Apia", "2011-12-29", 26)[23:] == [
            *("29 23:00 -10", "31 00:00 +14", "31 01:00 +14")
        ]

    @pytest.mark.parametrize(
        ("zone", "skipped"),
        [("Pacific/Kwajalein", "1993-08-21"), ("Pacific/Kiritimati", "1994-12-31")],
    )
    def test_other_days_that_were_skipped(self, zone, skipped):
        date = datetime.fromisoformat(skipped)
        crontab = Crontab(f"30 0,12 {date.day} {date.month} *", zone)
        year = datetime(date.year, 1, 1, 12, tzinfo=UTC)
        following = crontab.next(year)
        assert following is not None
        assert following.astimezone(ZoneInfo(zone)).year == date.year + 1


def test_casablanca_leaves_summer_time_for_ramadan():
    zone = "Africa/Casablanca"
    assert day("30 2 * * *", zone, "2026-02-15", 25) == ["15 02:30 +01"]
    assert day("0 * * * *", zone, "2026-02-15", 5)[2:] == clocks(
        "02:00 +01", "02:00 +00", "03:00 +00", on="15"
    )
    assert day("30 2 * * *", zone, "2026-03-22", 23) == ["22 03:00 +01"]


def test_midnight_that_is_skipped_runs_at_one():
    zone = "America/Sao_Paulo"
    begin = datetime(2018, 11, 3, 12, tzinfo=ZoneInfo(zone))
    first = Crontab("0 0 * * *", zone).next(begin)
    assert first == datetime(2018, 11, 4, 3, tzinfo=UTC)
    assert f"{first.astimezone(ZoneInfo(zone)):%d %H:%M %Z}" == "04 01:00 -02"
    # And once where 23:00 to midnight comes twice.
    assert day("30 23 * * *", zone, "2018-02-17", 25) == ["17 23:30 -02"]


@pytest.mark.parametrize(
    ("zone", "date", "shown"),
    [
        ("Asia/Beirut", "2026-03-29", "29 01:00 EEST"),
        ("America/Havana", "2026-03-08", "08 01:00 CDT"),
    ],
)
def test_gap_at_midnight_belongs_to_the_day_that_begins(zone, date, shown):
    place = ZoneInfo(zone)
    evening = datetime.fromisoformat(date).replace(tzinfo=place) - timedelta(hours=3)
    first = Crontab("30 0 * * *", zone).next(evening)
    assert first is not None
    assert f"{first.astimezone(place):%d %H:%M %Z}" == shown


@pytest.mark.parametrize(
    ("zone", "before", "after", "utc_before", "utc_after"),
    [
        ("Europe/Istanbul", (2015, 12, 1), (2016, 12, 1), 7, 6),
        ("America/Caracas", (2016, 4, 1), (2016, 6, 1), 13.5, 13),
        ("Asia/Pyongyang", (2015, 8, 1), (2015, 9, 1), 0, 0.5),
    ],
)
def test_zone_that_changed_its_rules_keeps_local_time(
    zone, before, after, utc_before, utc_after
):
    crontab = Crontab("0 9 * * *", zone)
    for date, hours in ((before, utc_before), (after, utc_after)):
        midnight = datetime(*date, tzinfo=UTC)
        assert crontab.next(midnight - TICK) == midnight + timedelta(hours=hours)


def test_far_future_follows_the_last_rule_of_the_zone():
    place = ZoneInfo("America/New_York")
    for date in (datetime(2499, 1, 15, tzinfo=UTC), datetime(2499, 7, 15, tzinfo=UTC)):
        first = Crontab("0 9 * * *", "America/New_York").next(date)
        assert first == datetime(date.year, date.month, 15, 9, tzinfo=place)


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Apia", "America/New_York"])
@pytest.mark.parametrize("expression", ["* * * * * *", "0 0 29 2 1#5", "0 9 * * *"])
def test_first_and_last_year_are_within_bounds(expression, zone):
    crontab = Crontab(expression, zone)
    for tz in (UTC, ZoneInfo("Pacific/Kiritimati"), ZoneInfo("Pacific/Midway")):
        begin = datetime(1900, 1, 1, tzinfo=tz)
        end = datetime(2500, 12, 31, 23, 59, 59, 999999, tzinfo=tz)
        for moment in (begin, end):
            following, previous = crontab.next(moment), crontab.last(moment)
            assert following is not None
            assert previous is not None
            assert previous <= moment < following


def test_six_centuries_are_counted():
    begin = datetime(1900, 1, 1, tzinfo=UTC)
    end = datetime(2500, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
    days = (end - begin).days + 1
    assert Crontab("0 12 * * *", "UTC").count(begin, end) == days
    assert Crontab("0 12 * * *", "Pacific/Apia").count(begin, end) == days
    assert Crontab("* * * * *", "Europe/Berlin").count(begin, end) == days * 1440
    assert Crontab("0 0 29 2 *", "UTC").count(begin, end) == 146


def test_leap_day_skips_a_century_that_has_none():
    crontab = Crontab("0 0 29 2 */7", "UTC")
    found = [datetime(2072, 1, 1, tzinfo=UTC)]
    for _ in range(2):
        following = crontab.next(found[-1])
        assert following is not None
        found.append(following)
    assert [f"{each:%Y %a}" for each in found[1:]] == ["2088 Sun", "2128 Sun"]


@pytest.mark.parametrize("name", ["after", "until"])
def test_moment_without_zone_or_out_of_bounds_is_refused(name):
    crontab = Crontab("@daily", "UTC")
    ask = crontab.next if name == "after" else crontab.last
    with pytest.raises(ValueError, match=f"{name} must have a time zone"):
        ask(datetime(2026, 1, 1))
    for year in (1899, 2501, 1, 9999):
        with pytest.raises(ValueError, match=f"{name} must lie in the years"):
            ask(datetime(year, 6, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    "zone",
    ["Europe/Berln", "", "Mars/Base", "../etc/passwd", "/etc/passwd", "Europe", "a\0b"],
)
def test_unknown_zone_is_refused(zone):
    with pytest.raises(ValueError, match="There is no time zone"):
        Crontab("@daily", zone)


def test_error_names_a_zone_that_is_spelled_like_it():
    with pytest.raises(
        ValueError, match=r"'Europe/Berln'\. Did you mean 'Europe/Berlin'"
    ):
        Crontab("@daily", "Europe/Berln")


def test_says_itself_in_words():
    words = Crontab("0 9 * * mon-fri", "Europe/Berlin").words()
    assert words == "At 09:00, Monday through Friday (Europe/Berlin)"
