"""A crontab of Celery and what it becomes are due at the same times."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_bgtasks.management.celery_beat.crontabs import (
    Untranslatable,
    numbers,
    translate,
)
from django_bgtasks.management.celery_beat.entries import CeleryCrontab
from django_bgtasks.periodic.crontab import Crontab, parse_crontab

pytestmark = pytest.mark.once

LIMITS = {
    "minute": (60, 0),
    "hour": (24, 0),
    "day_of_month": (31, 1),
    "month_of_year": (12, 1),
    "day_of_week": (7, 0),
}
NAMES = ["sun", "Monday", "tues", "WED", "thu", "friday", "sat"]


def crontab(text: str) -> CeleryCrontab:
    return CeleryCrontab(*text.split(), timezone="UTC")


def field(name: str) -> st.SearchStrategy[str]:
    """Fields as Celery takes them: lists of numbers, ranges that may turn, steps."""
    size, low = LIMITS[name]
    number = st.integers(low, low + size - 1).map(str)
    if name == "day_of_week":
        number |= st.sampled_from(NAMES)
    span = st.builds("{}-{}".format, number, number)
    step = st.builds("{}/{}".format, span | st.just("*"), st.integers(1, 40))
    item = number | span | step
    return st.just("*") | st.lists(item, min_size=1, max_size=3).map(",".join)


@pytest.mark.parametrize("name", LIMITS)
def test_fields_are_read_as_celery_reads_them(name: str) -> None:
    schedules = pytest.importorskip("celery.schedules")

    @given(field(name) | st.text("0123456789-,/*monja ", max_size=6))
    def check(text: str) -> None:
        try:
            theirs = schedules.crontab_parser(*LIMITS[name]).parse(text)
        except Exception:
            # What Celery refuses may be read here: 7 for Sunday, or spaces.
            return
        try:
            assert numbers(name, text) == theirs
        except ValueError:
            # Celery reads the beginning of some texts and passes over the rest.
            assert not re.fullmatch(r"[\w*]+(-\w+)?(/[1-9]\d*)?(,\w+)*", text)

    check()


DAYS = [date(2027, 1, 1) + timedelta(days=n) for n in range(365 + 366)]


def celery_days(text: str) -> list[date]:
    """Return the days on which Celery runs: they match all three fields."""
    _, _, days, months, weekdays = text.split()
    dom = numbers("day_of_month", days)
    moy = numbers("month_of_year", months)
    dow = numbers("day_of_week", weekdays)
    return [
        day
        for day in DAYS
        if day.day in dom and day.month in moy and day.isoweekday() % 7 in dow
    ]


def our_days(expression: str) -> list[date]:
    found, fields = [], parse_crontab(expression)
    reading = fields.on_or_after(datetime(2027, 1, 1))
    while reading is not None and reading.date() <= DAYS[-1]:
        found.append(reading.date())
        reading = fields.on_or_after(
            datetime(reading.year, reading.month, reading.day) + timedelta(days=1)
        )
    return found


@given(st.tuples(*(field(name) for name in LIMITS)))
def test_translation_is_due_on_the_same_days_at_the_same_times(fields: Any) -> None:
    text = " ".join(fields)
    try:
        expression = translate(crontab(text)).expression
    except Untranslatable:
        # Both fields for days are restricted; said otherwise nowhere.
        assert fields[2] != "*"
        assert fields[4] != "*"
        return
    except ValueError:
        assert celery_days(text) == []
        return
    assert our_days(expression) == celery_days(text)
    ours = parse_crontab(expression)
    times = (ours.minutes, ours.hours)
    assert times == tuple(
        sum(1 << n for n in numbers(name, text))
        for name, text in (("minute", fields[0]), ("hour", fields[1]))
    )
    # Which rule for set clocks it follows stays as well.
    if ours.elapsed:
        assert fields[1].startswith("*")
    else:
        assert not re.fullmatch(r"\*(/\d+)?", fields[1])


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("0 4 * * *", "0 4 * * *"),
        ("*/5 */2 * * mon-fri", "*/5 */2 * * mon-fri"),
        ("0 0 * * sunday", "0 0 * * 0"),
        ("0 9 * * fri-mon", "0 9 * * fri-mon"),
        ("0 22-4/2 * * *", "0 0,2,4,22 * * *"),
        ("0 0 1-31 * 1", "0 0 * * 1"),
        # Both fields for days: Celery wants both, and so does a star here.
        ("0 0 */2 * 1", "0 0 */2 * 1"),
        # The first Tuesday, and the first two Mondays and Tuesdays.
        ("0 0 1-7 * 2", "0 0 * * 2#1"),
        ("0 0 1-14 * 1,2", "0 0 * * 1#1,1#2,2#1,2#2"),
        # In months of 31 days, these are the last Friday.
        ("0 0 25-31 1,3 5", "0 0 * 1,3 L5"),
    ],
)
def test_plain_words_are_kept_and_others_found(theirs: str, ours: str) -> None:
    translation = translate(crontab(theirs))
    assert translation.expression == ours
    assert not translation.sunday_was_seven


def test_long_lists_are_shortened() -> None:
    minutes, hours = (",".join(map(str, range(size))) for size in (60, 24))
    days = ",".join(map(str, range(1, 31)))
    found = translate(crontab(f"{minutes} {hours} {days} */2 *"))
    assert found.expression == f"0-59 0-23 {days} */2 *"


def test_seven_for_sunday_which_celery_refuses() -> None:
    for text in ("0 0 * * 7", "0 0 * * 5-7"):
        assert translate(crontab(text)).sunday_was_seven
    found = Crontab(translate(crontab("0 0 * * 7")).expression, "UTC")
    due = found.next(datetime(2027, 1, 1, tzinfo=UTC))
    assert due is not None
    assert due.isoweekday() == 7


def test_friday_the_thirteenth_cannot_be_said() -> None:
    with pytest.raises(Untranslatable) as raised:
        translate(crontab("0 0 13 * 5"))
    assert "days that are both 13 of the month and Friday" in str(raised.value)
    with pytest.raises(Untranslatable, match="that is 'L5'"):
        translate(crontab("0 0 25-31 * 5"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("60 * * * *", "minute is no number from 0 to 59: '60'"),
        ("* 24 * * *", "hour is no number"),
        ("* * 0 * *", "day_of_month is no number"),
        ("* * * 13 *", "month_of_year is no number"),
        ("* * * * 8", "day_of_week is no number"),
        ("* * * * someday", "day_of_week is no number"),
        ("*/0 * * * *", "has no such step"),
        ("5/2 * * * *", "has no such step"),
        ("1,,2 * * * *", "minute is no number from 0 to 59: ''"),
        ("0 0 30 2 *", "is never due"),
    ],
)
def test_what_is_not_valid_is_named(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        translate(crontab(text))
