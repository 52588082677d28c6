"""A stencil for libpq: what never differs is put into its bytes once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from .insert_sql import insert_one
from .rows import Insert, Then
from .statement import encoded, statement
from .stencil import Blank, Stencil


class EncodedStencil(Stencil):
    """Puts by the short way where that is open, else as its vendor does."""

    def __init__(self, vendor: Any, inserts: Sequence[Insert]) -> None:
        super().__init__(vendor.put, inserts)
        self._vendor = vendor
        self._statement = statement(insert_one(inserts))
        row = [item for insert in inserts for item in insert.rows[0]]
        self._encoded = encoded(row)
        self._places = [
            (place, item) for place, item in enumerate(row) if type(item) is Blank
        ]

    def put(self, values: Sequence[Any], then: Then = None) -> datetime:
        texts = encoded(values)
        if texts is not None and self._encoded is not None:
            row = self._encoded.copy()
            for place, number in self._places:
                row[place] = texts[number]
            now: datetime | None = self._vendor.put_encoded(self._statement, row, then)
            if now is not None:
                return now
        return super().put(values, then)
