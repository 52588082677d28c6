"""Inserts that are alike but for a few values, made once and filled in often."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from .rows import Insert, Row, Then

Put = Callable[[Sequence[Insert], Then], datetime]


class Blank(int):
    """Stands in a row for the value of this number."""


class Stencil:
    """Inserts of one row each, with Blanks for what differs."""

    def __init__(self, put: Put, inserts: Sequence[Insert]) -> None:
        self._put = put
        self._inserts = inserts

    def put(self, values: Sequence[Any], then: Then = None) -> datetime:
        """Insert the rows with these values, as ``Vendor.put`` does."""
        filled = [
            replace(insert, rows=[_filled(insert.rows[0], values)])
            for insert in self._inserts
        ]
        return self._put(filled, then)


def _filled(row: Row, values: Sequence[Any]) -> Row:
    return tuple(values[item] if type(item) is Blank else item for item in row)
