"""Arguments arrive as they were sent, or are refused by name."""

from __future__ import annotations

import enum
import json
import math
from collections import OrderedDict
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.db import models
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_lazy
from hypothesis import given
from hypothesis import strategies as st

from django_bgtasks import InvalidArguments, payload

MEGABYTE = 1024 * 1024


def sent(value: Any) -> Any:
    """Return what a task gets for an argument."""
    normal = payload.normalize(value, "args")
    return payload.load(payload.dump(normal, "args", 100 * MEGABYTE))


def identical(one: Any, other: Any) -> bool:
    """Equal in value and type, all the way down; 1, 1.0 and True differ."""
    if type(one) is not type(other):
        return False
    if isinstance(one, list):
        return len(one) == len(other) and all(map(identical, one, other))
    if isinstance(one, dict):
        return list(one) == list(other) and all(
            identical(one[key], other[key]) for key in one
        )
    if isinstance(one, float):
        return one == other and math.copysign(1, one) == math.copysign(1, other)
    return bool(one == other)


# Every text that is valid and that databases store: no surrogates, no NUL.
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
floats = st.floats(allow_nan=False, allow_infinity=False)
scalars = st.none() | st.booleans() | st.integers() | floats | texts
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner) | st.dictionaries(texts, inner),
    max_leaves=20,
)


@given(values)
def test_plain_json_arrives_as_it_was_sent(value):
    assert identical(sent(value), value)


@given(values)
def test_normalizing_again_changes_nothing(value):
    normal = payload.normalize(value, "args")
    assert identical(payload.normalize(normal, "args"), normal)


@given(
    st.recursive(
        scalars
        | st.floats()
        | st.text()
        | st.binary()
        | st.dates()
        | st.decimals()
        | st.complex_numbers()
        | st.frozensets(st.integers()),
        lambda inner: (
            st.lists(inner)
            | st.tuples(inner, inner)
            | st.dictionaries(st.integers() | st.text() | st.booleans(), inner)
        ),
        max_leaves=10,
    )
)
def test_anything_is_either_sent_in_full_or_refused_by_name(value):
    message = ""
    try:
        normal = payload.normalize(value, "args[3]")
    except InvalidArguments as refusal:
        message = str(refusal)
    if message:
        assert "args[3]" in message
        return
    assert identical(sent(value), normal)
    # Strictly JSON, and storable as text by every database.
    text = payload.dump(normal, "args", 100 * MEGABYTE)
    assert "\\u0000" not in text
    assert text.encode().decode() == text
    assert json.loads(text, parse_constant=pytest.fail) == normal


@pytest.mark.parametrize(
    "value",
    [-(2**63), 2**63, 2**64, -(10**100), 10**3_900],
    ids=lambda n: f"{n:.0e}"[:9] if n < 10**100 else "huge",
)
def test_integers_keep_every_digit(value):
    assert identical(sent(value), value)


def test_floats_keep_their_last_bit():
    for value in (0.1 + 0.2, 5e-324, 1.7976931348623157e308, 1e22, -0.0):
        assert identical(sent(value), value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "naïve",
        "漢字",
        "😀 👩‍👩‍👧",
        "\u2028\u2029",
        "\x01\x7f\x80\ufffe\U0010ffff",
        '"\\/\n',
        "%s",
    ],
)
def test_texts_keep_every_character(text):
    assert sent({text: [text]}) == {text: [text]}


def test_tuples_become_lists_and_bytes_text_as_in_django():
    assert sent((1, (b"two", "three"), range(2))) == [1, ["two", "three"], [0, 1]]


def test_mappings_become_dicts_in_their_order():
    ordered = OrderedDict(b=1, a=2)
    assert list(sent(ordered)) == ["b", "a"]
    assert sent(MappingProxyType({"a": 1})) == {"a": 1}


class Colour(enum.Enum):
    RED = "red"


class Mixed(str, enum.Enum):  # noqa: UP042
    RED = "red"


class Strings(enum.StrEnum):
    RED = "red"


class Numbers(enum.IntEnum):
    TWO = 2


class Choices(models.TextChoices):
    RED = "red", "Rouge"


class Loud(str):
    __slots__ = ()

    def __str__(self) -> str:
        return self.upper()


class Rounded(float):
    def __float__(self) -> float:
        return 0.0


class Clamped(int):
    def __int__(self) -> int:
        return 0


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (Mixed.RED, "red"),
        (Strings.RED, "red"),
        (Choices.RED, "red"),
        (Numbers.TWO, 2),
        (Loud("quiet"), "quiet"),
        (mark_safe("<b>"), "<b>"),
        (Rounded(1.5), 1.5),
        (Clamped(7), 7),
    ],
    ids=lambda value: type(value).__name__,
)
def test_subclasses_of_plain_types_are_sent_by_their_value(value, plain):
    assert identical(sent([value, {"key": value}]), [plain, {"key": plain}])


def test_a_key_is_sent_by_its_value_too():
    assert sent({Mixed.RED: 1}) == {"red": 1}


def test_keys_that_would_become_one_are_refused():
    with pytest.raises(InvalidArguments, match=r"kwargs has two keys"):
        payload.normalize({b"a": 1, "a": 2}, "kwargs")


REFUSED = {
    "nan": (math.nan, "args[0] is nan"),
    "infinity": (math.inf, "args[0] is inf"),
    "minus infinity": (-math.inf, "args[0] is -inf"),
    "nul": ("a\0b", "args[0] holds a NUL character"),
    "lone surrogate": ("a\ud800", "args[0] holds a lone surrogate"),
    "integer key": ({1: 2}, "args[0] has the key 1 of type int"),
    "none key": ({None: 2}, "args[0] has the key None of type NoneType"),
    "bool key": ({True: 2}, "args[0] has the key True of type bool"),
    "nul in a key": ({"a\0": 2}, "a key of args[0] holds a NUL"),
    "surrogate in a key": ({"\udfff": 2}, "a key of args[0] holds a lone surrogate"),
    "set": ({1, 2}, "<class 'set'> at args[0]. Pass a sorted list instead."),
    "frozenset": (frozenset(), "<class 'frozenset'> at args[0]. Pass a sorted list"),
    "date": (date(2026, 1, 1), "at args[0]. Pass its isoformat() instead."),
    "datetime": (datetime(2026, 1, 1, tzinfo=UTC), "at args[0]. Pass its isoformat()"),
    "timedelta": (timedelta(1), "<class 'datetime.timedelta'> at args[0]"),
    "decimal": (Decimal(1), "<class 'decimal.Decimal'> at args[0]"),
    "uuid": (UUID(int=1), "<class 'uuid.UUID'> at args[0]"),
    "enum": (Colour.RED, "<enum 'Colour'> at args[0]"),
    "object": (object(), "<class 'object'> at args[0]"),
    "function": (len, "at args[0]"),
    "generator": ((n for n in ()), "<class 'generator'> at args[0]"),
    "lazy text": (gettext_lazy("Name"), "at args[0]"),
    "bytes of no text": (b"\xff", "at args[0] is no UTF-8 text"),
    "bytes with nul": (b"\0", "args[0] holds a NUL character"),
    "giant integer": (10**5_000, "args[0] is an integer of over 4,000 digits"),
    "model instance": (
        User(pk=1, username="ada"),
        "at args[0]. Pass the model instance's primary key instead.",
    ),
}


@pytest.mark.parametrize(("value", "message"), REFUSED.values(), ids=REFUSED)
def test_what_json_cannot_carry_is_refused_with_its_place(value, message):
    with pytest.raises(InvalidArguments) as refusal:
        payload.normalize([value], "args")
    assert message in str(refusal.value)


def test_the_place_is_named_however_deep_it_lies():
    value = {"orders": [{"lines": [1, {2}]}]}
    with pytest.raises(InvalidArguments) as refusal:
        payload.normalize(value, "kwargs")
    assert "kwargs['orders'][0]['lines'][1]" in str(refusal.value)


def test_a_refusal_is_the_type_error_that_django_promises():
    with pytest.raises(TypeError, match="Unsupported type"):
        payload.normalize(object(), "the return value")


def test_deep_nesting_is_refused():
    value: Any = []
    for _ in range(100_000):
        value = [value]
    with pytest.raises(InvalidArguments, match="nested deeper than 200 levels"):
        payload.normalize(value, "args")


def test_what_holds_itself_is_refused():
    value: list[Any] = []
    value.append(value)
    with pytest.raises(InvalidArguments, match="nested deeper"):
        payload.normalize(value, "args")


def test_nesting_within_the_limit_arrives():
    value: Any = 1
    for _ in range(199):
        value = [value]
    assert identical(sent(value), value)


@pytest.mark.parametrize("pair", ["[]", ('{"a":', "}")])
@pytest.mark.parametrize("space", ["", " "])
def test_text_that_is_nested_deeper_is_no_payload(pair, space):
    def nested(depth: int) -> Any:
        return payload.load(f"{space}{pair[0] * depth}1{pair[1] * depth}")

    assert nested(201)
    for depth in (202, 900, 3_000, 100_000):
        with pytest.raises(ValueError, match="nested deeper than 200 levels"):
            nested(depth)


def test_text_with_many_brackets_is_a_payload():
    wide = [[{}]] * 1_000
    assert payload.load(json.dumps(wide)) == wide
    assert payload.load(json.dumps("[" * 1_000)) == "[" * 1_000


def test_ten_megabytes_are_refused_beyond_the_limit_and_told_what_to_do():
    normal = payload.normalize(["x" * (10 * MEGABYTE)], "args")
    with pytest.raises(InvalidArguments) as refusal:
        payload.dump(normal, "args", 4 * MEGABYTE)
    message = str(refusal.value)
    assert "args takes 10,485,764 bytes" in message
    assert "OPTIONS['MAX_PAYLOAD']" in message
    assert len(message) < 300


@given(texts, st.integers(min_value=0, max_value=300))
def test_the_limit_counts_bytes_not_characters(text, limit):
    size = len(json.dumps(text, ensure_ascii=False).encode())
    if size <= limit:
        assert payload.dump(text, "args", limit)
    else:
        with pytest.raises(InvalidArguments, match=f"takes {size:,} bytes"):
            payload.dump(text, "args", limit)


@given(st.text())
def test_printable_text_is_text_that_databases_store(text):
    printable = payload.printable(text)
    assert "\0" not in printable
    assert printable.encode().decode() == printable


@given(texts)
def test_printing_leaves_ordinary_text_alone(text):
    assert payload.printable(text) == text
