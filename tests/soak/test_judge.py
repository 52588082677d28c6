"""What grows is found out, and what only goes up and down is not."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from .judge import Bar, Finding, Point, judge, trend_of, undisturbed

pytestmark = pytest.mark.once

TWO_PERCENT = {"memory": ("MB", Bar(0.02)), "threads": ("", Bar(0.0, floor=1.0))}
HOUR = range(0, 3600, 5)


def series(value: Callable[[int], float]) -> list[Point]:
    return [(float(at), value(at)) for at in HOUR]


def verdict(points: list[Point], name: str = "memory: worker") -> Finding:
    (finding,) = judge({name: points}, TWO_PERCENT, since=600)
    return finding


def test_what_stays_holds() -> None:
    assert verdict(series(lambda at: 60.0)).held


def test_slow_leak_does_not_hold() -> None:
    # Two and a half percent in the fifty minutes that count.
    finding = verdict(series(lambda at: 60.0 * (1 + 0.025 * (at - 600) / 3000)))
    assert not finding.held
    assert finding.trend is not None
    assert finding.trend.share == pytest.approx(0.025, rel=0.01)


def test_slow_leak_shows_through_noise() -> None:
    chance = random.Random(1)
    leak = series(lambda at: 60 + 2.4 * (at - 600) / 3000 + chance.gauss(0, 1))
    assert not verdict(leak).held


def test_noise_alone_holds() -> None:
    chance = random.Random(1)
    assert verdict(series(lambda at: 60 + chance.gauss(0, 1))).held


def test_growth_while_it_warms_up_does_not_count() -> None:
    assert verdict(series(lambda at: 40.0 + min(at, 600) / 30)).held


def test_leak_in_steps_does_not_hold() -> None:
    assert not verdict(series(lambda at: 60.0 + at // 900)).held


def test_peaks_do_not_count() -> None:
    assert verdict(series(lambda at: 200.0 if at % 600 < 60 else 60.0)).held


def test_end_that_is_out_of_order_does_not_count_as_growth_of_the_whole() -> None:
    assert verdict(series(lambda at: 90.0 if at > 3400 else 60.0)).held


def test_saw_of_pruning_holds_and_a_rising_one_does_not() -> None:
    assert verdict(series(lambda at: 60.0 + at % 120 / 10)).held
    assert not verdict(series(lambda at: 60.0 + at % 120 / 10 + at / 1000)).held


def test_what_shrinks_holds() -> None:
    assert verdict(series(lambda at: 60.0 - at / 200)).held


def test_one_thread_more_holds_and_a_thread_each_minute_does_not() -> None:
    name = "threads: worker"
    assert verdict(series(lambda at: 9.0 if at < 1500 else 10.0), name).held
    assert not verdict(series(lambda at: 9.0 + at // 60), name).held


def test_what_begins_at_nothing_and_grows_does_not_hold() -> None:
    assert not verdict(series(lambda at: at / 100)).held


def test_too_few_samples_prove_nothing() -> None:
    finding = verdict([(700.0, 60.0), (705.0, 60.0)])
    assert not finding.held
    assert "2 samples" in finding.text
    assert trend_of([]) is None


def test_series_that_ended_early_proves_nothing() -> None:
    assert not verdict(
        [point for point in series(lambda at: 60.0) if point[0] < 500]
    ).held


def test_points_of_a_busy_machine_are_left_out() -> None:
    points = [(at * 60.0, float(at)) for at in range(4)]
    busy = [(at, 0.9 if 90 < at < 150 else 0.3) for at in map(float, range(0, 210, 5))]
    assert undisturbed(points, busy, 60.0, 0.7) == [points[0], points[1], points[3]]
    assert undisturbed(points, [], 60.0, 0.7) == []


def test_zeros_are_not_told() -> None:
    assert judge({"memory: x": series(lambda at: 0.0)}, TWO_PERCENT, since=600) == []
