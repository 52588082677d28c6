"""Which due moments run, which are missed, and what is planned next."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from django_bgtasks.periodic.clocked import Clocked
from django_bgtasks.periodic.crontab import Crontab
from django_bgtasks.periodic.decide import (
    MISSED_POLICIES,
    RUN_ALL_LIMIT,
    SKIP_GRACE,
    Decision,
    decide,
    first,
    upcoming,
)
from django_bgtasks.periodic.interval import Interval
from django_bgtasks.periodic.solar import Solar
from django_bgtasks.periodic.timing import Timing

pytestmark = pytest.mark.once

HOURLY = Crontab("0 * * * *", "UTC")
SECOND, MINUTE, HOUR = (timedelta(seconds=n) for n in (1, 60, 3600))
TICK = timedelta(microseconds=1)


def at(hour: int, minute: int = 0, second: int = 0, day: int = 21) -> datetime:
    return datetime(2026, 11, day, hour, minute, second, tzinfo=UTC)


def test_run_on_time():
    decision = decide(HOURLY, due=at(9), now=at(9, 0, 1))
    assert decision == Decision([at(9)], 0, at(10))


def test_moment_that_is_now_is_due():
    assert decide(HOURLY, due=at(9), now=at(9)) == Decision([at(9)], 0, at(10))


@pytest.mark.parametrize("missed", MISSED_POLICIES)
def test_nothing_runs_before_it_is_due(missed):
    decision = decide(HOURLY, due=at(9), now=at(8, 59), missed=missed)
    assert decision == Decision([], 0, at(9))


def test_plan_stays_when_the_clock_is_put_back():
    # 9:00 has run, 10:00 is planned, and it is 7:30 again.
    assert decide(HOURLY, due=at(10), now=at(7, 30)) == Decision([], 0, at(10))


def test_moment_of_an_earlier_timing_does_not_run():
    decision = decide(HOURLY, due=at(9, 17), now=at(9, 18))
    assert decision == Decision([], 0, at(10))


class TestRunOnce:
    def test_latest_runs_for_all_that_were_missed(self):
        decision = decide(HOURLY, due=at(2), now=at(7, 30))
        assert decision == Decision([at(7)], 5, at(8))

    def test_nightly_run_is_made_up_for_at_once(self):
        nightly = Crontab("0 2 * * *", "UTC")
        decision = decide(nightly, due=at(2), now=at(7, 30))
        assert decision == Decision([at(2)], 0, at(2, day=22))

    def test_nothing_runs_beyond_the_grace(self):
        nightly = Crontab("0 2 * * *", "UTC")
        decision = decide(nightly, due=at(2), now=at(7, 30), grace=5 * HOUR)
        assert decision == Decision([], 1, at(2, day=22))

    def test_grace_includes_its_end(self):
        decision = decide(HOURLY, due=at(9), now=at(9, 10), grace=10 * MINUTE)
        assert decision.run == [at(9)]
        late = decide(HOURLY, due=at(9), now=at(9, 10) + TICK, grace=10 * MINUTE)
        assert (late.run, late.missed) == ([], 1)


class TestSkip:
    def test_late_runs_are_left_out(self):
        decision = decide(HOURLY, due=at(2), now=at(7, 30), missed="skip")
        assert decision == Decision([], 6, at(8))

    def test_run_within_a_minute_is_on_time(self):
        now = at(7) + SKIP_GRACE
        decision = decide(HOURLY, due=at(2), now=now, missed="skip")
        assert decision == Decision([at(7)], 5, at(8))

    def test_grace_may_be_longer(self):
        decision = decide(
            HOURLY, due=at(2), now=at(7, 30), missed="skip", grace=2 * HOUR
        )
        assert decision == Decision([at(6), at(7)], 4, at(8))

    def test_one_off_that_is_late_is_missed(self):
        once = Clocked(at(9))
        decision = decide(once, due=at(9), now=at(10), missed="skip")
        assert decision == Decision([], 1, None)


class TestRunAll:
    def test_all_run_from_the_oldest_on(self):
        decision = decide(HOURLY, due=at(2), now=at(5, 30), missed="run_all")
        assert decision == Decision([at(2), at(3), at(4), at(5)], 0, at(6))

    def test_those_beyond_the_grace_are_missed(self):
        decision = decide(
            HOURLY, due=at(2), now=at(5, 30), missed="run_all", grace=2 * HOUR
        )
        assert decision == Decision([at(4), at(5)], 2, at(6))

    @pytest.mark.parametrize(
        ("timing", "number"),
        [
            (
                Interval(SECOND, datetime(2026, 11, 21, tzinfo=UTC)),
                400 * 31_556_952 + 1,
            ),
            (Crontab("* * * * * *", "UTC"), 400 * 31_556_952 + 1),
            (Crontab("0 0 1 1 *", "UTC"), 400),
            (Solar("sunset", 52.5, 13.4), None),
        ],
    )
    def test_four_centuries_are_bounded(self, timing, number):
        due, now = at(0), at(0).replace(year=2426)
        decision = decide(timing, due=due, now=now, missed="run_all")
        assert len(decision.run) == min(RUN_ALL_LIMIT, number or RUN_ALL_LIMIT)
        assert decision.run == sorted(set(decision.run))
        assert decision.run[-1] == timing.last(now)
        assert decision.next == timing.next(now)
        if number is None:
            assert decision.missed is None
        else:
            assert decision.missed == number - len(decision.run)

    def test_never_asks_more_than_the_limit(self):
        class Counting:
            asked = 0

            def next(self, after: datetime) -> datetime | None:
                self.asked += 1
                return inner.next(after)

            def last(self, until: datetime) -> datetime | None:
                self.asked += 1
                return inner.last(until)

            def count(self, since: datetime, until: datetime) -> int:
                return inner.count(since, until)

            def words(self) -> str:
                return inner.words()

        inner, timing = Crontab("* * * * *", "UTC"), Counting()
        decide(timing, due=at(0), now=at(0).replace(year=2126), missed="run_all")
        assert timing.asked <= RUN_ALL_LIMIT + 2


class TestWindow:
    def test_both_ends_are_in_it(self):
        decision = decide(
            HOURLY,
            due=at(2),
            now=at(7, 30),
            missed="run_all",
            start_at=at(4),
            end_at=at(6),
        )
        assert decision == Decision([at(4), at(5), at(6)], 0, None)

    def test_what_was_due_before_the_end_runs_after_it(self):
        decision = decide(HOURLY, due=at(6), now=at(7, 30), end_at=at(6, 10))
        assert decision == Decision([at(6)], 0, None)

    def test_nothing_runs_before_the_start(self):
        decision = decide(HOURLY, due=at(6), now=at(7, 30), start_at=at(9))
        assert decision == Decision([], 0, at(9))

    def test_nothing_is_planned_after_the_end(self):
        assert decide(HOURLY, due=at(7), now=at(7), end_at=at(8)).next == at(8)
        assert decide(HOURLY, due=at(7), now=at(7), end_at=at(8) - TICK).next is None

    def test_end_before_the_start_is_never(self):
        decision = decide(HOURLY, due=at(2), now=at(5), start_at=at(4), end_at=at(3))
        assert decision == Decision([], 0, None)


class TestFirst:
    def test_new_schedule_makes_up_for_nothing(self):
        assert first(HOURLY, at(9, 30)) == at(10)
        assert first(HOURLY, at(9)) == at(10)

    def test_start_is_a_run_if_it_is_a_moment(self):
        assert first(HOURLY, at(9, 30), at(12)) == at(12)
        assert first(HOURLY, at(9, 30), at(12, 1)) == at(13)
        assert first(HOURLY, at(9, 30), at(2)) == at(10)

    def test_interval_begins_at_its_anchor(self):
        interval = Interval(HOUR, at(12, 30))
        assert first(interval, at(9)) == at(12, 30)
        assert first(interval, at(14)) == at(14, 30)

    def test_schedule_that_is_over_has_none(self):
        assert first(HOURLY, at(9, 30), None, at(9, 59)) is None

    def test_one_off_that_was_missed_is_due(self):
        once = Clocked(at(9))
        due = first(once, at(10))
        assert due == at(9)
        assert decide(once, due=due, now=at(10)) == Decision([at(9)], 0, None)

    def test_one_off_that_was_run_is_over(self):
        assert first(Clocked(at(9)), at(10), ran=at(9)) is None

    def test_one_off_that_was_moved_to_later_is_due_again(self):
        assert first(Clocked(at(11)), at(10), ran=at(9)) == at(11)
        assert first(Clocked(at(9, 30)), at(10), ran=at(9)) == at(9, 30)
        assert first(Clocked(at(8)), at(10), ran=at(9)) is None

    def test_one_off_outside_of_its_window_is_never_due(self):
        assert first(Clocked(at(9)), at(8), at(10)) is None
        assert first(Clocked(at(9)), at(8), None, at(8, 59)) is None
        assert first(Clocked(at(9)), at(8), at(9), at(9)) == at(9)

    def test_what_has_run_is_not_planned_when_the_clock_is_put_back(self):
        assert first(HOURLY, at(7, 30), ran=at(9)) == at(10)


def test_upcoming_runs():
    assert upcoming(HOURLY, at(9), 3) == [at(10), at(11), at(12)]
    assert upcoming(HOURLY, at(9), 3, at(12)) == [at(12), at(13), at(14)]
    assert upcoming(HOURLY, at(9), 3, None, at(11)) == [at(10), at(11)]
    assert upcoming(Clocked(at(9)), at(8), 5) == [at(9)]
    assert upcoming(HOURLY, at(9), 0) == []


@pytest.mark.parametrize("missed", ["", "all", "RUN_ONCE", None])
def test_unknown_policy_is_refused(missed):
    with pytest.raises(
        ValueError, match="missed must be one of skip, run_once, run_all"
    ):
        decide(HOURLY, due=at(9), now=at(9), missed=missed)


@pytest.mark.parametrize("name", ["due", "now", "start_at", "end_at"])
def test_moment_without_zone_is_refused(name):
    arguments: dict[str, Any] = {"due": at(9), "now": at(9)}
    arguments[name] = datetime(2026, 11, 21, 9)
    with pytest.raises(ValueError, match=f"{name} must have a time zone"):
        decide(HOURLY, **arguments)


TIMINGS = st.sampled_from(
    [
        HOURLY,
        Crontab("*/7 * * * *", "Europe/Berlin"),
        Crontab("30 2,3 * * *", "America/New_York"),
        Crontab("0 9 * * mon", "Asia/Tokyo"),
        Interval(timedelta(minutes=17), at(3)),
        Clocked(at(12)),
        Solar("sunset", 52.5, 13.4),
    ]
)
# The clocks of New York were set back twenty days before.
SPAN = st.timedeltas(timedelta(days=-22), timedelta(days=3))
GRACES = st.none() | st.timedeltas(timedelta(), timedelta(days=5))
ENDS = st.none() | SPAN.map(lambda each: at(12) + each)


def moments(timing: Timing, begin: datetime, end: datetime) -> list[datetime]:
    found = []
    moment = timing.next(begin - TICK)
    while moment is not None and moment <= end:
        found.append(moment)
        moment = timing.next(moment)
    return found


@settings(max_examples=70)
@given(TIMINGS, SPAN, SPAN, st.sampled_from(MISSED_POLICIES), GRACES, ENDS, ENDS)
def test_decision_is_that_of_looking_at_each_moment(
    timing, planned, elapsed, missed, grace, start_at, end_at
):
    due, now = at(12) + planned, at(12) + elapsed
    decision = decide(
        timing,
        due=due,
        now=now,
        missed=missed,
        grace=grace,
        start_at=start_at,
        end_at=end_at,
    )
    allowed = timedelta(days=99) if grace is None else grace
    if missed == "skip" and grace is None:
        allowed = timedelta(seconds=60)
    within = [
        each
        for each in moments(timing, min(due, now), max(due, now) + timedelta(days=9))
        if (start_at is None or each >= start_at) and (end_at is None or each <= end_at)
    ]
    found = [each for each in within if due <= each <= now]
    run = [each for each in found if each >= now - allowed]
    run = run[-1:] if missed == "run_once" else run[-RUN_ALL_LIMIT:]
    assert decision.run == run
    assert decision.missed == len(found) - len(run)
    ahead = [each for each in within if each > now and each >= due]
    if ahead:
        assert decision.next == ahead[0]
    elif decision.next is not None:
        assert decision.next > max(now, due) + timedelta(days=9) - TICK


@given(TIMINGS, SPAN, st.integers(1, 30), st.sampled_from(MISSED_POLICIES))
def test_every_moment_is_decided_once_however_often_one_looks(
    timing, begin, looks, missed
):
    start = at(12) + begin
    due = first(timing, start)
    run: list[datetime] = []
    missed_so_far = 0
    end = start
    for number in range(looks):
        if due is None:
            break
        # Looks of ever longer distance, as of beats that come and go.
        end = max(end, due) + number * timedelta(minutes=13)
        decision = decide(timing, due=due, now=end, missed=missed)
        run += decision.run
        assert decision.missed is not None
        missed_so_far += decision.missed
        assert decision.next is None or decision.next > end
        due = decision.next
    assert run == sorted(set(run))
    earliest = start if not isinstance(timing, Clocked) else min(start, timing.at)
    everything = [each for each in moments(timing, earliest, end) if each > start]
    if isinstance(timing, Clocked) and timing.at <= start:
        everything = [timing.at]
    assert len(run) + missed_so_far == len(everything)
    assert set(run) <= set(everything)


@given(TIMINGS, SPAN, st.integers(0, 8))
def test_upcoming_is_a_row_of_next_moments(timing, begin, count):
    found = upcoming(timing, at(12) + begin, count)
    assert len(found) == count or timing.next((found or [at(12) + begin])[-1]) is None
    assert found == sorted(set(found))
    assert all(timing.last(each) == each for each in found)


def test_window_and_one_off_may_stand_next_to_a_gap():
    # There is no 02:59:59 before this in New York.
    three = datetime(2026, 3, 8, 3, tzinfo=ZoneInfo("America/New_York"))
    assert first(Clocked(three), at(9)) == three
    hourly = Crontab("0 * * * *", "America/New_York")
    assert first(hourly, at(9).replace(year=2025), three, three) == three
    found = upcoming(hourly, at(9).replace(year=2025), 2, three)
    assert found == [three, datetime(2026, 3, 8, 8, tzinfo=UTC)]


def test_first_moment_of_all_times_can_be_decided_on():
    begin = datetime(1900, 1, 1, tzinfo=UTC)
    for timing in (Clocked(begin), Interval(HOUR, begin)):
        assert first(timing, begin, begin) is not None
        decision = decide(timing, due=begin, now=begin + MINUTE, missed="run_all")
        assert decision.run == [begin]
        assert upcoming(timing, begin, 1, begin) == upcoming(timing, begin, 1)


def test_day_on_which_clocks_are_set_back_has_no_run_twice():
    daily = Crontab("30 1 * * *", "America/New_York")
    place = ZoneInfo("America/New_York")
    due = datetime(2026, 11, 1, 1, 30, tzinfo=place)
    between = decide(daily, due=due, now=due.replace(fold=1))
    assert between.run == [due.astimezone(UTC)]
    assert between.next == datetime(2026, 11, 2, 1, 30, tzinfo=place)
