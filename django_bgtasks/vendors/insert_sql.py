"""INSERT in PostgreSQL's words: of one row by values, of many by arrays."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from .arrays import array, is_number, item
from .rows import Insert, Table
from .statement import ANSWER

# The time at which the server received the statement: one for all of its rows,
# and, unlike now(), not that of a transaction that began long ago.
CLOCK = "statement_timestamp()"


def _cast(table: Table, column: str) -> str:
    kind = table.types[column]
    # A cast to varchar(n) would cut silently; the column itself complains.
    return "text" if kind.startswith("varchar") else kind


def _names(insert: Insert) -> str:
    return ", ".join(f'"{column}"' for column in (*insert.columns, *insert.clock))


def insert_one(inserts: Sequence[Insert]) -> str:
    """Return SQL that inserts a row each, and answers with ANSWER."""
    *first, last = map(_insert_row, inserts)
    ctes = ", ".join(f"put_{number} AS ({sql})" for number, sql in enumerate(first))
    return f"{f'WITH {ctes} ' if ctes else ''}{last} RETURNING {ANSWER}"


def _insert_row(insert: Insert) -> str:
    values = ["%s"] * len(insert.columns) + [CLOCK] * len(insert.clock)
    return (
        f"INSERT INTO {insert.table.name} ({_names(insert)}) "
        f"VALUES ({', '.join(values)})"
    )


def insert_many(
    insert: Insert,
    params: list[Any],
    only: str = "",
    now: str | datetime = CLOCK,
) -> str:
    """SQL that inserts the rows; ``only`` is a condition on ``v.key``."""
    values, source = _values(insert, params)
    for _ in insert.clock:
        # The select list comes before the arrays of FROM.
        values.append(now if isinstance(now, str) else "%s")
        if not isinstance(now, str):
            params.insert(len(params) - source.count("%s"), now)
    return (
        f"INSERT INTO {insert.table.name} ({_names(insert)}) "
        f"SELECT {', '.join(values)} FROM {source}{only}"
    )


def _values(insert: Insert, params: list[Any]) -> tuple[list[str], str]:
    """Pass what all rows share once, and the rest as arrays; fills ``params``.

    The first column, the key, is always ``v.key``.
    """
    casts = [_cast(insert.table, column) for column in insert.columns]
    count = len(insert.rows)
    values, arrays, aliases = [], [], []
    varying: list[Any] = []
    for number, column in enumerate(zip(*insert.rows, strict=True)):
        kind = casts[number]
        if number and (count == 1 or column.count(column[0]) == count):
            params.append(column[0])
            # In brackets: of a negative number only the digits would be cast.
            cast = f"(%s)::{'double precision' if is_number(column[:1]) else kind}"
            values.append(item(kind, cast, column))
            continue
        alias = "key" if number == 0 else f"c{number}"
        values.append(item(kind, f"v.{alias}", column))
        aliases.append(alias)
        sql, param = array(kind, column)
        arrays.append(sql)
        varying.append(param)
    params += varying
    return values, f"unnest({', '.join(arrays)}) AS v({', '.join(aliases)})"
