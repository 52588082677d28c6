"""Looks at all queues at once: few statements, each bounded by an index."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from .rows import Lane, Table
from .session import Session

# Queues per statement; every one is a SELECT of its own in it.
_MOST_PARTS = 100


def each_queue(source: Table) -> str:
    """Return the recursive part ``q(name)``: the names of a table's queues, and NULL,
    by one look-up in the index each."""
    name = source.name
    return (
        f"q(name) AS (SELECT MIN(queue_name) FROM {name} UNION ALL "
        f"SELECT (SELECT MIN(r.queue_name) FROM {name} r "
        f"WHERE r.queue_name > q.name) FROM q WHERE q.name IS NOT NULL)"
    )


def within(
    lane: Lane, rank: str, to_database: Callable[[datetime], Any]
) -> tuple[str, str, list[Any]]:
    """Return the condition, the order and the parameters for the rows of a lane."""
    where = "queue_name = %s"
    params: list[Any] = [lane.queue]
    if lane.rank is not None and lane.rank == lane.end:
        # A plain range of the index, however simple the optimizer.
        where = f"{where} AND {rank} = %s"
        params.append(lane.rank)
        for moment, sign in ((lane.floor, ">"), (lane.ceiling, "<=")):
            if moment is not None:
                where = f"{where} AND ready_at {sign} %s"
                params.append(to_database(moment))
        return where, "ready_at, job_id", params
    ends = ((lane.rank, lane.floor, ">", ">"), (lane.end, lane.ceiling, "<", "<="))
    for end, moment, sign, at in ends:
        if end is not None and moment is not None:
            last = f"{rank} = %s AND ready_at {at} %s"
            where = f"{where} AND ({rank} {sign} %s OR {last})"
            params += [end, end, to_database(moment)]
        elif end is not None:
            where = f"{where} AND {rank} {sign}= %s"
            params.append(end)
    return where, f"{rank}, ready_at, job_id", params


class Looks(Session):
    """What a vendor sees of the tables of waiting jobs."""

    def depths(
        self, source: Table, index: str, names: Sequence[str], most: int
    ) -> dict[str, int]:
        """Count the rows of each queue, but none further than ``most`` and one."""
        found: dict[str, int] = {}
        # Without an order, stale statistics can make it a walk along the table.
        order = f"{self.quote('rank')}, ready_at, job_id"
        for start in range(0, len(names), _MOST_PARTS):
            some = names[start : start + _MOST_PARTS]
            parts = [
                f"SELECT {number} AS number, COUNT(*) FROM (SELECT 1 AS one "
                f"FROM {source.name}{self.by_index(index)} "
                f"WHERE queue_name = %s ORDER BY {order} "
                f"LIMIT {int(most) + 1}) AS q{number}"
                for number in range(len(some))
            ]
            with self.connection.cursor() as cursor:
                cursor.execute(" UNION ALL ".join(parts), list(some))
                found |= {some[number]: count for number, count in cursor.fetchall()}
        return found

    def heads(self, source: Table, index: str) -> list[tuple[str, datetime]]:
        """Return, for each queue and rank that has rows, the queue and since when the
        first of them is ready: by one look-up in the index each."""
        rank, name, at = (
            self.quote("rank"),
            source.name,
            self.plain("MIN(r.ready_at)"),
        )
        with self.connection.cursor() as cursor:
            cursor.execute(
                f"WITH RECURSIVE {each_queue(source)}, lane(name, place) AS ("
                f"SELECT q.name, (SELECT MIN(r.{rank}) FROM {name} r "
                f"WHERE r.queue_name = q.name) FROM q WHERE q.name IS NOT NULL "
                f"UNION ALL SELECT lane.name, (SELECT MIN(r.{rank}) FROM {name} r "
                f"WHERE r.queue_name = lane.name AND r.{rank} > lane.place) "
                f"FROM lane WHERE lane.place IS NOT NULL"
                f") SELECT lane.name, (SELECT {at} FROM {name} r "
                f"WHERE r.queue_name = lane.name AND r.{rank} = lane.place) "
                f"FROM lane WHERE lane.place IS NOT NULL"
            )
            rows = cursor.fetchall()
        # A row may have gone between two of the look-ups.
        return [(row[0], self.moment(row[1])) for row in rows if row[1]]

    def first_of_each(
        self, source: Table, order: str, most: int
    ) -> list[tuple[str, int, datetime]]:
        """Of the first ``most`` and one rows by an indexed column: each queue, how many
        it has of them, and its first value."""
        with self.connection.cursor() as cursor:
            cursor.execute(
                f"SELECT queue_name, COUNT(*), {self.plain(f'MIN({order})')} FROM ("
                f"SELECT queue_name, {order} FROM {source.name} "
                f"ORDER BY {order} LIMIT {int(most) + 1}) AS first_rows "
                f"GROUP BY queue_name"
            )
            rows = cursor.fetchall()
        return [(name, count, self.moment(at)) for name, count, at in rows]

    def first(self, source: Table, order: str) -> tuple[datetime | None, datetime]:
        """Return the least value of an indexed column, of moments, and the time."""
        clock = f", {self.clock}" if self.clock else ""
        least = self.plain(f"MIN({order})")
        with self.connection.cursor() as cursor:
            cursor.execute(f"SELECT {least}{clock} FROM {source.name}")
            found, *told = cursor.fetchone()
        now = self.read_clock(told[0]) if told else self.now()
        return self.from_database(found), now

    def told(self, table: Table, column: str) -> str:
        """Return SQL of a column that is read in bulk, whatever it holds."""
        return self.quote(column)

    def by_index(self, index: str) -> str:
        """Have the planner use this index, where it must be told."""
        return ""
