"""Strict JSON: what may be an argument, metadata or a return value.

Django's ``normalize_json`` turns tuples into lists and bytes into text, but
lets integer keys, NaN and lone surrogates through, which no database stores or
JSON returns as they were. Here such a value is refused, by name, before
anything is written.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from json.encoder import c_make_encoder, encode_basestring  # type: ignore[attr-defined]
from math import isfinite
from typing import Any

from .exceptions import InvalidArguments

_MAX_DEPTH = 200
# Python refuses to print integers of over 4,300 digits.
_MAX_BITS = 13_000
_SAFE = 2**63
_TOO_DEEP = f"JSON is nested deeper than {_MAX_DEPTH} levels."
_scan: Any = json.JSONDecoder().scan_once  # type: ignore[attr-defined]


def _encoder() -> Callable[[Any], str]:
    options = json.JSONEncoder(
        ensure_ascii=False, allow_nan=False, check_circular=False, separators=(",", ":")
    )
    try:
        # What encode() makes anew for each value; Python's own, and not in all.
        chunks = c_make_encoder(
            *(None, options.default, encode_basestring, None, ":", ","),
            *(False, False, False),
        )
    except TypeError:
        return options.encode
    return lambda value: "".join(chunks(value, 0))


_encode = _encoder()


def normalize(value: Any, where: str, depth: int = 0) -> Any:
    """Return ``value`` in plain JSON types, or raise InvalidArguments.

    ``where`` names the value in the message, such as ``args``.
    """
    kind = type(value)
    if kind is int and -_SAFE < value < _SAFE:
        return value
    if value is None or kind is bool:
        return value
    # The plain containers first: an abstract class is asked at ten times the cost.
    if kind is dict:
        return _mapping(value, where, depth)
    if kind is list or kind is tuple:
        return _sequence(value, where, depth)
    if isinstance(value, str):
        return _text(value, where)
    if isinstance(value, int):
        if value.bit_length() > _MAX_BITS:
            raise InvalidArguments(f"{where} is an integer of over 4,000 digits.")
        return int.__int__(value)
    if isinstance(value, float):
        if not isfinite(value):
            raise InvalidArguments(f"{where} is {value!r}, which JSON cannot express.")
        return float.__float__(value)
    if isinstance(value, bytes):
        return _bytes(value, where)
    if isinstance(value, Mapping):
        return _mapping(value, where, depth)
    if isinstance(value, Sequence):
        return _sequence(value, where, depth)
    raise InvalidArguments(f"Unsupported type: {type(value)} at {where}.{_hint(value)}")


def _mapping(value: Mapping[Any, Any], where: str, depth: int) -> dict[str, Any]:
    _check_depth(where, depth)
    normal = {
        _key(key, where): item
        if is_plain(item)
        else normalize(item, f"{where}[{key!r}]", depth + 1)
        for key, item in value.items()
    }
    if len(normal) != len(value):
        raise InvalidArguments(f"{where} has two keys that are the same as text.")
    return normal


def _sequence(value: Sequence[Any], where: str, depth: int) -> list[Any]:
    _check_depth(where, depth)
    return [
        item if is_plain(item) else normalize(item, f"{where}[{index}]", depth + 1)
        for index, item in enumerate(value)
    ]


def _check_depth(where: str, depth: int) -> None:
    if depth > _MAX_DEPTH:
        raise InvalidArguments(f"{where} is nested deeper than {_MAX_DEPTH} levels.")


def is_plain(value: Any) -> bool:
    """Whether a value is as it has to be at first sight, as most are."""
    kind = type(value)
    if kind is int:
        return bool(-_SAFE < value < _SAFE)
    if kind is str:
        return value.isascii() and "\0" not in value
    return value is None or kind is bool


def dump(value: Any, where: str, limit: int) -> str:
    """Encode a normalized value, or raise InvalidArguments beyond ``limit`` bytes."""
    text = _encode(value)
    # A character takes four bytes at most, so short texts need no encoding.
    if len(text) * 4 > limit and (size := len(text.encode())) > limit:
        raise InvalidArguments(
            f"{where} takes {size:,} bytes as JSON, more than the {limit:,} that "
            f"OPTIONS['MAX_PAYLOAD'] allows. Store it elsewhere and pass its key."
        )
    return text


def load(text: str) -> Any:
    """Decode what ``dump`` made. Raise ValueError for what it cannot have made."""
    try:
        try:
            value, end = _scan(text, 0)
        except StopIteration:
            end = -1
        # With space around it, or wrong: let json.loads() find its words.
        value = value if end == len(text) else json.loads(text)
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    # Whoever walks it would fail over what is deeper, which takes two brackets a level.
    if len(text) > 2 * _MAX_DEPTH and _is_too_deep(text, value):
        raise ValueError(_TOO_DEEP)
    return value


def _is_too_deep(text: str, value: Any) -> bool:
    if text.count("[") + text.count("{") <= _MAX_DEPTH:
        return False
    level = [value]
    for _ in range(_MAX_DEPTH + 2):
        level = [
            item
            for each in level
            if isinstance(each, (dict, list))
            for item in (each.values() if isinstance(each, dict) else each)
        ]
    return bool(level)


def printable(text: str) -> str:
    """Return ``text`` as every database stores it: without NUL and surrogates."""
    return text.replace("\0", "\\x00").encode("utf-8", "backslashreplace").decode()


def _text(value: str, where: str) -> str:
    if "\0" in value:
        raise InvalidArguments(
            f"{where} holds a NUL character (\\u0000), which databases refuse."
        )
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise InvalidArguments(
                f"{where} holds a lone surrogate, which is no valid text."
            ) from None
    # Not str(): an enum of strings prints its name instead of its value.
    return str.__str__(value)


def _key(key: Any, where: str) -> str:
    if isinstance(key, bytes):
        return _bytes(key, f"a key of {where}")
    if not isinstance(key, str):
        raise InvalidArguments(
            f"{where} has the key {key!r} of type {type(key).__name__}. JSON keys "
            f"are strings, so it would come back as another key."
        )
    return _text(key, f"a key of {where}")


def _bytes(value: bytes, where: str) -> str:
    try:
        return _text(value.decode(), where)
    except UnicodeDecodeError:
        raise InvalidArguments(
            f"Unsupported value: {type(value)} at {where} is no UTF-8 text."
        ) from None


def _hint(value: Any) -> str:
    if hasattr(value, "_meta") and hasattr(value, "pk"):
        return " Pass the model instance's primary key instead."
    if hasattr(value, "isoformat"):
        return " Pass its isoformat() instead."
    if isinstance(value, (set, frozenset)):
        return " Pass a sorted list instead."
    return ""
