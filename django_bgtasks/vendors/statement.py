"""A statement for PostgreSQL, as cursors take it and as libpq does."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from secrets import token_hex
from typing import Any, NamedTuple

# What it returns: the time of the statement, and the process that it ran in.
ANSWER = "statement_timestamp(), pg_backend_pid()"
# Unlike the names of any other program that the same session may serve later.
_TOKEN = token_hex(4)


class Statement(NamedTuple):
    """Returns ANSWER. Its text for a cursor and for libpq, and its name there."""

    text: str
    numbered: bytes
    name: bytes


def statement(text: str) -> Statement:
    """Make a statement of a text with ``%s`` for each parameter, and no other ``%``."""
    as_sent = numbered(text)
    name = f"bgtasks_{_TOKEN}_{sha256(as_sent).hexdigest()[:16]}"
    return Statement(text, as_sent, name.encode())


def numbered(text: str) -> bytes:
    """Return a text as libpq takes it, its ``%s`` numbered."""
    first, *rest = text.split("%s")
    parts = (f"${number}{part}" for number, part in enumerate(rest, 1))
    return "".join((first, *parts)).encode()


def encoded(row: Iterable[Any]) -> list[bytes | None] | None:
    """Return parameters as libpq takes them; None if it cannot."""
    found = [
        item.encode()
        if isinstance(item, str)
        else None
        if item is None
        else b"%d" % item
        if isinstance(item, int)
        else str(item).encode()
        for item in row
    ]
    # There a text would end for libpq; a cursor says so.
    return None if b"\0" in b"".join(filter(None, found)) else found
