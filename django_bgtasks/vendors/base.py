"""What a database must be able to do for a queue, in words of rows.

The base class does all of it in portable SQL, a few statements in one
transaction. A vendor overrides what it does better or must do otherwise. Each
passes the contract suite in ``tests/contract``.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from .findings import Finding
from .looks import Looks, each_queue, within
from .portions import chunks, portions
from .rows import LONG_AGO, Insert, Lane, Move, Row, Swap, Table, Take, Taken, Then
from .stencil import Stencil
from .watcher import Watcher

# A statement's source, condition and parameters.
_LookUp = tuple[str, str, list[Any]]


class Vendor(Looks):
    """One database, by one Django connection."""

    # Appended to a SELECT that is about to change the rows it read.
    lock_rows = ""
    skip_locked = ""
    # Whether entries of rows that are gone stay in an index while anybody may see them.
    keeps_old_entries = False
    # Rows, and characters of text, per statement of a bulk insert. MariaDB takes
    # packets of 16 MB by default, and a character may need four bytes.
    chunk = 500
    most_text = 1_000_000

    def __init__(self, connection: Any) -> None:
        super().__init__(connection)
        self.tables: dict[Any, Table] = {}

    # -- rows ---------------------------------------------------------------

    def put(self, inserts: Sequence[Insert], then: Then = None) -> datetime:
        """Insert all rows or none, and return the time that was stamped on them.

        ``then``, outside of a transaction only, calls notify() after the commit.
        """
        with self.atomic():
            now = self.now()
            for insert in inserts:
                self._insert(insert, now)
        if then:
            then()
        return now

    def stencil(self, inserts: Sequence[Insert]) -> Stencil:
        """Prepare inserts of one row each, whose Blanks are filled in when put."""
        return Stencil(self.put, inserts)

    def exchange(
        self, swap: Swap | None, take: Take | None
    ) -> tuple[set[str], Taken | None]:
        """Swap, then take, in one transaction: all of both or nothing.

        Return the keys that the swap found, and what was taken.
        """
        if take and not swap and not self._may_take(take):
            return set(), Taken(LONG_AGO, [])
        with self.atomic():
            # Only now: to begin may have meant to wait for another writer.
            clock, now = time.monotonic(), self.now()
            gone = self._swap(swap, now) if swap else set()
            taken = self._take(take, now) if take else None
        return gone, taken._replace(clock=clock) if taken else None

    def move(self, move: Move) -> int:
        """Move due rows, earliest first, and return how many."""
        columns = ", ".join((move.source.key, *move.columns))
        with self.atomic(), self.connection.cursor() as cursor:
            now = self.now()
            cursor.execute(
                f"SELECT {columns} FROM {move.source.name} WHERE {move.due} <= %s "
                f"ORDER BY {move.due} LIMIT %s{self.skip_locked}",
                [self.to_database(now), move.limit],
            )
            rows = cursor.fetchall()
            self.delete(move.source, [self.key(row[0]) for row in rows])
            self._insert(
                Insert(
                    move.target, (move.source.key, *move.columns), rows, (move.stamp,)
                ),
                now,
            )
        return len(rows)

    def queues(self, source: Table, known: Sequence[str] = ()) -> list[str]:
        """The names of the queues that have rows, by one index look-up each.

        Those that are ``known`` may be left out, with their entries of rows gone.
        """
        with self.connection.cursor() as cursor:
            cursor.execute(
                f"WITH RECURSIVE {each_queue(source)} "
                f"SELECT name FROM q WHERE name IS NOT NULL"
            )
            return [row[0] for row in cursor.fetchall()]

    def skip_taken(self, rows: Any) -> Any:
        """Have a QuerySet lock its rows, without those that somebody else holds."""
        return rows.select_for_update(skip_locked=True)

    def differ(self, one: str, other: str, *, text: bool = False) -> str:
        """Return SQL that compares columns, of text to the letter; NULL equals NULL."""
        return f"{one} IS DISTINCT FROM {other}"

    def on_conflict(self, *fields: str) -> dict[str, Any]:
        """Return what a bulk_create() that may update is told of the conflict."""
        return {"unique_fields": fields}

    def lock(
        self, table: Table, keys: Iterable[str], columns: Sequence[str] = ()
    ) -> list[Row]:
        """Lock the rows of these keys, and return their keys and ``columns``.

        No other row is touched, let alone waited for, whoever holds it.
        """
        names = ", ".join(f"{table.name}.{name}" for name in (table.key, *columns))
        locked: list[Row] = []
        with self.connection.cursor() as cursor:
            for source, where, params in self._by_keys(table, keys):
                cursor.execute(
                    f"SELECT {names} FROM {source} WHERE {where}"
                    f"{self.lock_rows and f' ORDER BY 1{self.lock_rows}'}",
                    params,
                )
                locked += [(self.key(row[0]), *row[1:]) for row in cursor.fetchall()]
        return locked

    def delete(self, table: Table, keys: Iterable[str]) -> None:
        """Delete the rows of these keys. No other row is touched or waited for."""
        with self.connection.cursor() as cursor:
            for source, where, params in self._by_keys(table, keys):
                using = "" if source == table.name else f" USING {source}"
                cursor.execute(f"DELETE FROM {table.name}{using} WHERE {where}", params)

    # -- waking -------------------------------------------------------------

    def notify(self, channel: str, message: str) -> None:
        """Wake who watches ``channel``; call outside of a transaction."""

    def watch(self, channel: str, listen: bool | str) -> Watcher:
        """Return a watcher of ``channel`` for this process."""
        return Watcher()

    def tune(self, schema_editor: Any, tables: Iterable[str]) -> None:
        """Set up tables whose rows come and go, while they are migrated."""

    def tell_apart(self, schema_editor: Any, table: str, field: Any) -> None:
        """Have a column of text compared letter by letter, while it is migrated."""

    def findings(self, *, live: bool) -> list[Finding]:
        """What is wrong in the settings or, if ``live``, with a session itself."""
        return []

    # -- the portable way ---------------------------------------------------

    def _insert(self, insert: Insert, now: datetime) -> None:
        if not insert.rows:
            return
        columns = (*insert.columns, *insert.clock)
        stamps = (self.to_database(now),) * len(insert.clock)
        names = ", ".join(self.quote(column) for column in columns)
        holder = f"({', '.join(['%s'] * len(columns))})"
        with self.connection.cursor() as cursor:
            for rows in portions(insert.rows, self.chunk, self.most_text):
                holders = ", ".join([holder] * len(rows))
                cursor.execute(
                    f"INSERT INTO {insert.table.name} ({names}) VALUES {holders}",
                    [item for row in rows for item in (*row, *stamps)],
                )

    def _swap(self, swap: Swap, now: datetime) -> set[str]:
        gone = self._matching(swap)
        self.delete(swap.table, gone)
        for insert in swap.inserts:
            rows = [row for row in insert.rows if row[0] in gone]
            self._insert(Insert(insert.table, insert.columns, rows, insert.clock), now)
        for table, keys in swap.deletes:
            self.delete(table, [key for key in keys if key in gone])
        return gone

    def _matching(self, swap: Swap) -> set[str]:
        """Lock the rows that are still this owner's attempts, and return the keys."""
        wanted = dict(swap.rows)
        rows = self.lock(swap.table, wanted, ("attempt", "process_id"))
        return {key for key, *row in rows if row == [wanted.get(key), swap.owner]}

    def _by_keys(self, table: Table, keys: Iterable[str]) -> Iterator[_LookUp]:
        # In the order of the key, so that no two who do so wait for each other.
        for some in chunks(sorted(keys), self.chunk):
            yield self._by_key(table, some)

    def _by_key(self, table: Table, keys: Sequence[str]) -> _LookUp:
        holders = ", ".join(["%s"] * len(keys))
        return table.name, f"{table.name}.{table.key} IN ({holders})", list(keys)

    def key(self, value: Any) -> str:
        """A key as ``Job.id`` in 32 hexadecimal digits, which every vendor takes."""
        return str(value).replace("-", "")

    def _take(self, take: Take, now: datetime) -> Taken:
        closed = self._closed(take)
        if closed is None:
            return Taken(now, [])
        taken: list[Row] = []
        for lane in dict.fromkeys(take.lanes):
            left = take.limit - len(taken)
            if left <= 0:
                break
            if lane.queue not in closed:
                share = take.share or take.limit
                taken += self._take_lane(take, lane, min(left, share))
        if not taken:
            return Taken(now, [])
        keys = [row[0] for row in taken]
        self.delete(take.source, keys)
        self._insert(
            Insert(
                take.target,
                ("job_id", "process_id", "attempt", "cancel_requested"),
                [(row[0], take.owner, row[1], False) for row in taken],
                ("claimed_at",),
            ),
            now,
        )
        bodies = self._bodies(take, keys)
        nothing = (None,) * len(take.read)
        return Taken(now, [(*row, *bodies.get(row[0], nothing)) for row in taken])

    def _may_take(self, take: Take) -> bool:
        """Look before a transaction, which takes a lock or several round trips."""
        if any(lane.rank is not None for lane in take.lanes):
            return True
        queues = [lane.queue for lane in take.lanes]
        # One by one, or a list of queues may be looked for in all of the table.
        there = (
            f"EXISTS (SELECT 1 FROM {take.source.name}{self.by_index(take.index)} "
            f"WHERE queue_name = %s)"
        )
        with self.connection.cursor() as cursor:
            cursor.execute(f"SELECT {' OR '.join([there] * len(queues))}", queues)
            return bool(cursor.fetchone()[0])

    def _closed(self, take: Take) -> set[str] | None:
        """The queues that are closed; None if all are, to this owner."""
        with self.connection.cursor() as cursor:
            cursor.execute(
                f"SELECT 0, name FROM {take.closed.name} WHERE paused_at IS NOT NULL "
                f"UNION ALL SELECT COUNT(*), NULL FROM {take.owners.name} "
                f"WHERE {take.owners.key} = %s",
                [take.owner],
            )
            rows = cursor.fetchall()
        exists = any(count for count, _ in rows)
        return {name for _, name in rows if name is not None} if exists else None

    def _take_lane(self, take: Take, lane: Lane, limit: int) -> list[Row]:
        rank, ready_at = self.quote("rank"), self.plain("ready_at")
        where, order, params = within(lane, rank, self.to_database)
        with self.connection.cursor() as cursor:
            cursor.execute(
                f"SELECT job_id, attempt, queue_name, {rank}, {ready_at} "
                f"FROM {take.source.name}{self.by_index(take.index)} WHERE {where} "
                f"ORDER BY {order} LIMIT %s{self.skip_locked}",
                [*params, limit],
            )
            return [
                (self.key(row[0]), *row[1:4], self.moment(row[4]))
                for row in cursor.fetchall()
            ]

    def _bodies(self, take: Take, keys: list[str]) -> dict[str, Row]:
        names = ", ".join(self.told(take.body, column) for column in take.read)
        bodies = {}
        with self.connection.cursor() as cursor:
            for some in chunks(keys, self.chunk):
                holders = ", ".join(["%s"] * len(some))
                cursor.execute(
                    f"SELECT {take.body.key}, {names} FROM {take.body.name} "
                    f"WHERE {take.body.key} IN ({holders})",
                    some,
                )
                for key, *body in cursor.fetchall():
                    bodies[self.key(key)] = tuple(body)
        return bodies
