"""Rows and keys in as many statements as they need."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from .rows import Row

T = TypeVar("T")


def chunks(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def portions(rows: Iterable[Row], most: int, most_text: int) -> Iterator[list[Row]]:
    """Divide rows so that no statement is too long; a row by itself may be."""
    portion: list[Row] = []
    length = 0
    for row in rows:
        own = sum(len(item) for item in row if isinstance(item, str))
        if portion and (len(portion) == most or length + own > most_text):
            yield portion
            portion, length = [], 0
        portion.append(row)
        length += own
    if portion:
        yield portion
