"""What to do with rows, as values: the orders that a vendor carries out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table's quoted name and the database type of each column.

    ``index`` names the index of the key if that is not the primary one.
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
    """A place to take rows from: the head of one index range.

    With a ``rank`` of None all ranks, in order, and then without a ``floor``. Of
    a rank, only rows later than the floor are looked at: entries before it are
    known to be gone, and need not be walked again while an old snapshot keeps
    them in the index. The lanes of one take all have a rank, or none has.
    """

    queue: str
    rank: int | None = None
    floor: datetime | None = None


@dataclass(frozen=True, slots=True)
class Take:
    """Move up to ``limit`` rows of the lanes, in their order, to another table.

    A row is taken by one taker only and never waited for. Answers with the
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


class Taken(NamedTuple):
    """What a take found: the rows, and the database's time if there are any."""

    now: datetime
    rows: list[Row]
