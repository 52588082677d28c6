"""The tables on the page about time are what crontabs do."""

from __future__ import annotations

import re

import pytest

from tests.docs.pages import read
from tests.periodic.test_crontab import day

pytestmark = pytest.mark.once

PAGE = read("explanation/time.md")
PLACE = re.compile(
    r"`(\w+/\w+)`,\s+on\s+([\d-]+) and ([\d-]+), from (\w+) to three o'clock:"
    r"\n\n\|.*\n\|[-|]+\n((?:\|.*\n)+)"
)


def rows() -> list[tuple[str, ...]]:
    found = []
    for zone, *dates, begin, table in PLACE.findall(PAGE):
        for line in table.splitlines():
            expression, *cells = (each.strip() for each in line.strip("|").split("|"))
            for date, cell in zip(dates, cells, strict=True):
                found.append((zone, date, begin, expression.strip("`"), cell))
    return found


def test_both_days_of_three_places_are_shown():
    assert len({(zone, date) for zone, date, *_ in rows()}) == 6
    assert len(rows()) == 26


@pytest.mark.parametrize(("zone", "date", "begin", "expression", "cell"), rows())
def test_runs_of_the_day_are_those_of_the_page(zone, date, begin, expression, cell):
    first = {"one": "01:00", "midnight": "00:00"}[begin]
    clocks = [each[3:] for each in day(expression, zone, date, hours=23)]
    found = [each for each in clocks if first <= each[:5] <= "03:00"]
    assert cell == (", ".join(found) or "none")


def test_examples_of_the_page():
    assert day("0 0 13 * fri", "UTC", "2026-11-01", 24 * 14) == [
        *("06 00:00 UTC", "13 00:00 UTC")
    ]
    mondays = day("0 0 */2 * mon", "UTC", "2026-11-01", 24 * 30)
    assert mondays == ["09 00:00 UTC", "23 00:00 UTC"]
