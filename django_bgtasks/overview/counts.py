from __future__ import annotations

from typing import Any, NamedTuple

# Rows that are counted at most, by the index alone.
MOST = 100_000


class Count(NamedTuple):
    """A number of rows; where not ``exact``, there are more than that."""

    number: int
    exact: bool = True

    def __str__(self) -> str:
        return f"{self.number}" if self.exact else f"{self.number}+"


def bounded(rows: Any, most: int = MOST) -> Count:
    """Count the rows of a QuerySet, but read no more than ``most`` and one."""
    number = rows.order_by()[: most + 1].count()
    return Count(min(number, most), number <= most)
