"""Arrays for PostgreSQL, written as text here.

The driver would make them item by item, at a multiple of what the server takes to
read them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

# No JSON text holds it, nor does a name that somebody typed.
_SEPARATOR = "\x1f"
_NUMBERS = {"smallint", "integer", "bigint", "double precision"}
MOMENT = "timestamp with time zone"


def array(kind: str, items: Sequence[Any]) -> tuple[str, Any]:
    """Return SQL with one placeholder, and its parameter, for the items of a column.

    Moments that are numbers become an array of numbers: see ``item``.
    """
    if kind == "uuid":
        return "%s::uuid[]", f"{{{','.join(each or 'NULL' for each in items)}}}"
    if kind in _NUMBERS:
        return f"%s::{kind}[]", _of_numbers(items)
    if kind == MOMENT and is_number(items):
        return "%s::double precision[]", _of_numbers(items)
    if kind == MOMENT and None not in items:
        return f"%s::{kind}[]", f"{{{','.join(map(datetime.isoformat, items))}}}"
    if kind == "text" and None not in items:
        joined = _SEPARATOR.join(items)
        if joined.count(_SEPARATOR) == len(items) - 1 and joined:
            return f"string_to_array(%s, E'\\x{ord(_SEPARATOR):02x}')", joined
    return f"%s::{kind}[]", list(items)


def item(kind: str, sql: str, items: Sequence[Any]) -> str:
    """Return SQL that turns an item of such an array into the column's type."""
    if kind == MOMENT and is_number(items):
        return f"to_timestamp({sql})"
    return sql


def is_number(items: Sequence[Any]) -> bool:
    """Whether what is there is given in numbers, of moments: in seconds since 1970."""
    return any(type(each) is float for each in items)


def _of_numbers(items: Sequence[Any]) -> str:
    if None in items:
        texts = ["NULL" if each is None else repr(each) for each in items]
        return f"{{{','.join(texts)}}}"
    return f"{{{','.join(map(repr, items))}}}"
