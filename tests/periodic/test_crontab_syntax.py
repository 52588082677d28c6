"""What crontabs may say, what they mean, and what is refused with which words."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from django_bgtasks.periodic.crontab import Crontab, describe, parse_crontab

pytestmark = pytest.mark.once

# A Thursday, and the first of its month.
JANUARY = datetime(2026, 1, 1, tzinfo=UTC)


def days(expression: str, number: int = 4) -> list[str]:
    crontab, moment, found = Crontab(expression, "UTC"), JANUARY, []
    while len(found) < number:
        moment = crontab.next(moment)
        assert moment is not None
        found.append(f"{moment:%m-%d}")
    return found


@pytest.mark.parametrize(
    ("expression", "same"),
    [
        ("@hourly", "0 * * * *"),
        ("@daily", "0 0 * * *"),
        ("@midnight", "0 0 * * *"),
        ("@weekly", "0 0 * * 0"),
        ("@monthly", "0 0 1 * *"),
        ("@yearly", "0 0 1 1 *"),
        (" @Annually ", "0 0 1 1 *"),
        ("0 9 * JAN-Mar MON,fri", "0 9 * 1-3 1,5"),
        ("0 0 * * 7", "0 0 * * 0"),
        ("0 0 * * 5-7", "0 0 * * 0,5,6"),
        ("0 0 * * sat-sun", "0 0 * * 0,6"),
        ("0 0 * * fri-mon", "0 0 * * 0,1,5,6"),
        ("0 0 * * 0-7", "0 0 * * *"),
        ("0 0 * * 7-2", "0 0 * * 0-2"),
        ("0 0 * * fri-sun/2", "0 0 * * 5,7"),
        ("0 0 * * mon-7/3", "0 0 * * 0,1,4"),
        ("0 22-2 * * *", "0 0,1,2,22,23 * * *"),
        ("0 0 * nov-feb *", "0 0 * 1,2,11,12 *"),
        ("5/15 * * * *", "5,20,35,50 * * * *"),
        ("59/15 * * * *", "59 * * * *"),
        ("0 0 * dec/2 sat/3", "0 0 * 12 6"),
        # To cron(8) a range of one is one; croniter alone takes it for all.
        ("5-5 * * * *", "5 * * * *"),
        ("05-5/2 * * * *", "5 * * * *"),
        ("0 0 * * fri-fri", "0 0 * * 5"),
        ("0 0 * jan-1 *", "0 0 * 1 *"),
        ("0 0 * * mon-mon#2", "0 0 * * 1#2"),
        ("0 9 ? * 1", "0 9 * * 1"),
        ("0\t9  *\n* 1", "0 9 * * 1"),
        ("0 0 9 * * 1", "0 9 * * 1"),
        ("*,5 * * * *", "* * * * *"),
        ("0 0 L,15 * *", "0 0 15,L * *"),
    ],
)
def test_two_ways_to_say_the_same(expression, same):
    assert parse_crontab(expression) == parse_crontab(same)


def test_six_fields_begin_with_the_second():
    crontab = Crontab("15,45 30 9 * * *", "UTC")
    first = crontab.next(JANUARY)
    assert first == JANUARY.replace(hour=9, minute=30, second=15)
    assert crontab.next(first) == JANUARY.replace(hour=9, minute=30, second=45)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("0 0 L * *", ["01-31", "02-28", "03-31", "04-30"]),
        ("0 0 L,15 * *", ["01-15", "01-31", "02-15", "02-28"]),
        ("0 0 31 * *", ["01-31", "03-31", "05-31", "07-31"]),
        ("0 0 * * mon#2", ["01-12", "02-09", "03-09", "04-13"]),
        ("0 0 * * fri#5", ["01-30", "05-29", "07-31", "10-30"]),
        ("0 0 * * L5", ["01-30", "02-27", "03-27", "04-24"]),
        ("0 0 * * L7", ["01-25", "02-22", "03-29", "04-26"]),
        ("0 0 * * mon#1,L5", ["01-05", "01-30", "02-02", "02-27"]),
        # The working day next to it, without leaving the month.
        ("0 0 15W * *", ["01-15", "02-16", "03-16", "04-15"]),
        ("0 0 1W * *", ["02-02", "03-02", "04-01", "05-01"]),
        ("0 0 31W * *", ["01-30", "02-27", "03-31", "04-30"]),
        ("0 0 31W 5 *", ["05-29", "05-31", "05-31", "05-31"]),
        ("0 0 1w 8 *", ["08-03", "08-02", "08-01", "08-01"]),
        # Either of two days that are both restricted, as in cron(8).
        ("0 0 13 * fri", ["01-02", "01-09", "01-13", "01-16"]),
        ("0 0 1 * mon#1", ["01-05", "02-01", "02-02", "03-01"]),
        ("0 0 29 2 1#5", ["02-29", "02-29", "02-29", "02-29"]),
        # Both where one begins with a star.
        ("0 0 */10 * mon", ["05-11", "06-01", "08-31", "09-21"]),
        ("0 0 1-7 * */7", ["01-04", "02-01", "03-01", "04-05"]),
    ],
)
def test_days(expression, expected):
    assert days(expression) == expected


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("", "has 0 fields. Write five"),
        ("* * * *", "has 4 fields. Write five"),
        ("0 0 * * * * *", "has 7 fields. Write five"),
        ("60 * * * *", "The minute '60' is not valid. .* from 0 to 59"),
        ("* 24 * * *", "The hour '24' is not valid. .* from 0 to 23"),
        ("* * 32 * *", "The day of month '32' is not valid. .* from 1 to 31"),
        ("* * 0 * *", "The day of month '0' is not valid"),
        ("* * * 13 *", "The month '13' is not valid. .* from 1 to 12"),
        ("* * * 0 *", "The month '0' is not valid"),
        ("* * * * 8", "The day of week '8' is not valid. .* 7 \\(Sunday\\)"),
        ("60 * * * * *", "The second '60' is not valid"),
        ("*/0 * * * *", "The minute '\\*/0' is not valid"),
        ("59/0 * * * *", "The minute '59/0' is not valid"),
        ("60/5 * * * *", "The minute '60/5' is not valid"),
        ("59/x * * * *", "The minute '59/x' is not valid"),
        ("* * 32W * *", "The day of month '32w' is not valid"),
        ("* * 0W * *", "The day of month '0w' is not valid"),
        ("1- * * * *", "The minute '1-' is not valid"),
        ("-1 * * * *", "The minute '-1' is not valid"),
        ("1,,2 * * * *", "The minute '1,,2' is not valid"),
        ("* noon * * *", "The hour 'noon' is not valid"),
        ("* * * foo *", "The month 'foo' is not valid"),
        ("* * * mon *", "The month 'mon' is not valid"),
        ("* * * * jan", "The day of week 'jan' is not valid"),
        ("? * * * *", "The minute '\\?' is not valid"),
        ("* * L-3 * *", "The day of month 'l-3' is not valid"),
        ("* * 15W,20 * *", "The day of month '15w,20' is not valid"),
        ("* * * * 5L", "The day of week '5l' is not valid. .* L5"),
        ("* * * * 1#6", "The day of week '1#6' is not valid"),
        ("* * * * 1#0", "The day of week '1#0' is not valid"),
        ("* * * * 1,2#3", "Give every day of the list a # or an L, or none"),
        ("* 23-4/2 * * *", "The hour '23-4/2' is not valid. A range that turns over"),
        ("R * * * *", "The minute 'r' is not valid"),
        ("* R(1-5) * * *", "The hour 'r\\(1-5\\)' is not valid"),
        ("H/5 * * * *", "The minute 'h/5' is not valid"),
        ("* * * * H", "The day of week 'h' is not valid"),
        ("٣ * * * *", "The minute '٣' is not valid"),
        ("@reboot", "'@reboot' is not known. A schedule knows of no reboot"),
        ("@fortnightly", "'@fortnightly' is not known. Write one of @hourly"),
        ("0 0 30 2 *", "'0 0 30 2 \\*' is never due"),
        ("0 0 31 4,6,9,11 *", "is never due"),
        ("0 0 */31 2 1#5", "is never due"),
        ("0 " * 200, "at most 250 characters"),
        (None, "A crontab is text"),
        (5, "A crontab is text"),
    ],
)
def test_what_is_wrong_is_said(expression, message):
    with pytest.raises(ValueError, match=message):
        Crontab(expression, "UTC")


# The words and marks of crontabs, so that many of the texts come close to one.
PIECES = st.sampled_from(
    (
        *("0123456789*,-/#?@() "),
        *(" ", "*", "*/", "59", "31", "l", "L5", "w", "h", "r", "mon", "sun", "jan"),
        *("dec", "h(1-5)", "r(", "00", "-0", "1e3", "\t", "\0", "٣"),
    )
)


def refusal(text: str) -> str:
    """Return why a text is no crontab, nothing if it is one."""
    try:
        parse_crontab(text)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""


@settings(max_examples=200)
@given(st.text() | st.lists(PIECES, max_size=30).map("".join))
@example("@" * 10)
@example("0 0 l" + "9" * 200 + " * *")
def test_any_text_is_a_crontab_or_one_kind_of_error(text):
    reason = refusal(text)
    if reason:
        assert reason.startswith(("ValueError: The ", "ValueError: A crontab "))
        return
    crontab = Crontab(text, "UTC")
    following = crontab.next(JANUARY)
    assert following is not None
    assert crontab.last(following) == following
    assert describe(text)


FIELD = st.lists(PIECES, min_size=1, max_size=4).map("".join)


@settings(max_examples=200)
@given(st.integers(0, 4), FIELD)
def test_field_at_fault_is_named(index, text):
    fields = ["*"] * 5
    fields[index] = text
    expression = " ".join(fields)
    names = ("minute", "hour", "day of month", "month", "day of week")
    assume(len(expression.split()) == 5 and not text.strip().startswith("@"))
    reason = refusal(expression)
    assert not reason or reason.startswith(f"ValueError: The {names[index]} ")


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("*/5 * * * *", "Every 5 minutes"),
        ("30 17 * * 1-5", "At 17:30, Monday through Friday"),
        ("@weekly", "At 00:00, only on Sunday"),
        ("*/10 * * * * *", "Every 10 seconds"),
        ("30 0 9 * * *", "At 09:00:30"),
        ("0 0 L * *", "At 00:00, on the last day of the month"),
        ("0 0 * * l5", "At 00:00, on the last Friday of the month"),
        ("0 0 * * tue#2", "At 00:00, on the second Tuesday of the month"),
        ("0 0 13 * fri", "At 00:00, on day 13 of the month, or on Friday"),
        ("0 0 */10 * 1", "At 00:00, every 10 days, but only on Monday"),
        (
            "0 0 1 jan,jul 1-5",
            (
                "At 00:00, on day 1 of the month, or Monday through Friday, "
                "only in January and July"
            ),
        ),
    ],
)
def test_words(expression, words):
    assert describe(expression) == words


def test_words_do_not_depend_on_the_language_of_the_machine(monkeypatch):
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    assert describe("41 17 * * 1") == "At 17:41, only on Monday"


def test_crontab_that_is_wrong_has_no_words():
    with pytest.raises(ValueError, match="The minute '61'"):
        describe("61 * * * *")
