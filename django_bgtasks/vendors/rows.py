"""What to do with rows, as values: the orders that a vendor carries out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

Row = tuple[Any, ...]
# What is to be done once rows are committed.
Then = Callable[[], None] | None


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A table's quoted name and the database type of each column.

    ``index`` names the index of the key if that is not the primary one. A table is
    equal to itself alone.
    """

    name: str
    key: str
    types: Mapping[str, str]
    index: str | None = None


@dataclass(frozen=True, slots=True)
class Insert:
    """Rows for a table. The ``clock`` columns get the database's time."""

    table: Table
    columns: tuple[str, ...]
    rows: Sequence[Row]
    clock: tuple[str, ...] = ()


class Lane(NamedTuple):
    """A place to take rows from: a stretch of one queue's order.

    It begins at ``rank`` behind ``floor``, and ends with ``last``, which is the same
    rank by default, at ``ceiling``. With a rank of None it begins at the lowest, and
    ends by default at the highest. Entries before a floor are known to be gone, and
    need not be walked again while an old snapshot keeps them in the index.
    """

    queue: str
    rank: int | None = None
    floor: datetime | None = None
    last: int | None = None
    ceiling: datetime | None = None

    @property
    def is_whole(self) -> bool:
        """Whether this is all of the queue."""
        return self.rank is None and self.last is None

    @property
    def end(self) -> int | None:
        """The rank it ends with; None if there is no such bound."""
        return self.rank if self.last is None else self.last


@dataclass(frozen=True, slots=True)
class Take:
    """Move up to ``limit`` rows of the lanes, in their order, to another table.

    Of each lane come ``share`` at most. A row is taken by one taker only and never
    waited for. Answers with the
    source's ``order`` columns and the ``body`` columns of each. An owner
    that has no row among ``owners`` takes none.
    """

    source: Table
    target: Table
    body: Table
    closed: Table
    index: str
    read: tuple[str, ...]
    lanes: Sequence[Lane]
    limit: int
    owner: int
    owners: Table
    share: int | None = None


@dataclass(frozen=True, slots=True)
class Swap:
    """Delete the rows that still match, and insert what belongs to those.

    ``rows`` are (key, attempt); a row goes only if its attempt and its owner are
    still these. Of ``inserts`` and ``deletes`` only what belongs to a deleted
    row is carried out; the first column of an insert is that key.
    """

    table: Table
    owner: int
    rows: Sequence[tuple[str, int]]
    inserts: Sequence[Insert] = ()
    deletes: Sequence[tuple[Table, Sequence[str]]] = ()


@dataclass(frozen=True, slots=True)
class Move:
    """Move up to ``limit`` rows that are due from a table to another."""

    source: Table
    target: Table
    due: str
    stamp: str
    columns: tuple[str, ...]
    limit: int


# The time of a take that found nothing, and of what was ready before all.
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class Taken(NamedTuple):
    """What a take found: the rows, and the database's time if there are any.

    ``clock`` is this host's monotonic time just before the database told its own.
    """

    now: datetime
    rows: list[Row]
    clock: float = 0.0
