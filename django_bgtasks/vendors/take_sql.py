"""A take in PostgreSQL's words: one statement, whatever the number of lanes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from itertools import groupby
from typing import Any

from .arrays import MOMENT, array
from .insert_sql import CLOCK
from .rows import LONG_AGO, Lane, Table, Take

# A key as ``Vendor.key`` has it.
HEX = "encode(uuid_send(t.job_id), 'hex')"
_NEVER = datetime(9999, 1, 1, tzinfo=UTC)
_FIRST = "TIMESTAMPTZ '0001-01-01'"
_LAST = "TIMESTAMPTZ '9999-12-31 23:59:59.999999'"
_FIRST_DAY, _LAST_DAY = "'0001-01-03'", "'9999-12-30'"
_LOWEST, _HIGHEST = -32_769, 32_767
# Nobody waits until the transaction lies on the disk. A server that crashes before that
# forgets it, and all that came after it.
_UNHURRIED = "(SELECT set_config('synchronous_commit', 'off', true)) = 'off'"
# For all statements of a session that serves nobody but claims, those that finish too.
# A table whose rows were nearly all taken would be read as a whole; and what has no
# other way is done all the same, at a cost that would have it compiled first.
ALONG_INDEXES = """
SET plan_cache_mode = force_generic_plan;
SET enable_seqscan = off;
SET enable_bitmapscan = off;
SET enable_sort = off;
SET jit = off
"""
_KINDS = ("text", "integer", MOMENT, "integer", MOMENT)


def take_sql(
    take: Take, ctes: list[str], params: list[Any], *, alone: bool = False
) -> str:
    """Add the parts of a take, and return the SELECT that answers it.

    ``alone`` it is all of its transaction, whose commit is not waited for then.

    The join reads lane after lane, lazily, and stops at the limit: no more rows
    are locked than are taken. Each is one walk along the index, from one of its
    places to another. By key, stale statistics can make the delete a walk along all,
    and so can they a join with the bodies: each is looked up by itself.
    """
    arms = []
    for in_one_rank, lanes in groupby(take.lanes, _ends_in_its_rank):
        arms.append((in_one_rank, _stretches(list(lanes), params)))
        params.append(take.share or take.limit)
    params += [take.owner, take.limit, take.owner]
    tables = (take.source, take.target, take.body, take.closed, take.owners)
    *parts, answer = _texts(tables, take.read, tuple(arms), alone)
    ctes += parts
    return answer


# By the few shapes that there are: a worker that was idle takes longer to write this
# than to do all else for a job.
@lru_cache
def _texts(
    tables: tuple[Table, ...],
    read: tuple[str, ...],
    arms: tuple[tuple[bool, str], ...],
    alone: bool,
) -> tuple[str, ...]:
    source, target, body, closed, owners = tables
    places = " UNION ALL ".join(_arm(source, closed, *each) for each in arms)
    unhurried = f" AND {_UNHURRIED}" if alone else ""
    told = ", ".join(_told(body, column) for column in read)
    columns = ", ".join(f'b."{column}"' for column in read)
    picked = (
        f"picked AS MATERIALIZED (SELECT u.place FROM ({places}) u "
        f"WHERE EXISTS (SELECT FROM {owners.name} WHERE {owners.key} = %s)"
        f"{unhurried} LIMIT %s)"
    )
    taken = (
        f"taken AS (DELETE FROM {source.name} "
        f"WHERE ctid = ANY(ARRAY(SELECT place FROM picked)) "
        f"RETURNING job_id, attempt, queue_name, rank, ready_at)"
    )
    claimed = (
        f"claimed AS (INSERT INTO {target.name} "
        f"(job_id, process_id, attempt, claimed_at, cancel_requested) "
        f"SELECT job_id, %s, attempt, {CLOCK}, false FROM taken)"
    )
    answer = (
        f"SELECT {CLOCK}, {HEX}, t.attempt, t.queue_name, t.rank, "
        f"{readable('t.ready_at')}, {columns} FROM taken t "
        f"LEFT JOIN LATERAL (SELECT {told} FROM {body.name} b "
        f"WHERE b.{body.key} = t.job_id OFFSET 0) b ON true"
    )
    return picked, taken, claimed, answer


def _ends_in_its_rank(lane: Lane) -> bool:
    # Without a moment to stop at either condition serves. So there are two arms at
    # most, those of a patrol first, however the lanes of many queues follow.
    return lane.ceiling is not None and lane.rank == lane.end


def _arm(source: Table, closed: Table, in_one_rank: bool, stretches: str) -> str:
    """SELECT the places of what some lanes have.

    A comparison of pairs finds where a walk begins, but it would not stop at a
    moment, only at a rank: that takes the conditions of ``in_one_rank``.
    """
    if in_one_rank:
        within = "s.rank = l.low AND s.ready_at > l.floor AND s.ready_at <= l.ceiling"
    else:
        within = (
            "(s.rank, s.ready_at) > (l.low, l.floor) "
            "AND (s.rank, s.ready_at) <= (l.high, l.ceiling)"
        )
    return (
        f"SELECT p.place FROM {stretches}, LATERAL ("
        f"SELECT s.ctid AS place FROM {source.name} s "
        f"WHERE s.queue_name = l.queue AND {within} "
        f"AND l.queue NOT IN (SELECT name FROM {closed.name} "
        f"WHERE paused_at IS NOT NULL) "
        f"ORDER BY s.rank, s.ready_at, s.job_id LIMIT %s FOR UPDATE SKIP LOCKED) p"
    )


def readable(column: str) -> str:
    """SQL of a moment, as the nearest one that Python has in the session's zone."""
    return (
        f"CASE WHEN {column} < {_FIRST} THEN {_FIRST} "
        f"WHEN {column} > {_LAST} THEN {_LAST} ELSE {column} END"
    )


def _stretches(lanes: Sequence[Lane], params: list[Any]) -> str:
    """Return SQL of a row for each lane; fills ``params``."""
    columns = zip(*map(_stretch, lanes), strict=True)
    arrays = [array(*each) for each in zip(_KINDS, columns, strict=True)]
    params += [param for _, param in arrays]
    texts = ", ".join(sql for sql, _ in arrays)
    return f"unnest({texts}) AS l(queue, low, floor, high, ceiling)"


def _stretch(lane: Lane) -> tuple[Any, ...]:
    low = _LOWEST if lane.rank is None else lane.rank
    high = _HIGHEST if lane.end is None else lane.end
    return lane.queue, low, lane.floor or LONG_AGO, high, lane.ceiling or _NEVER


def _told(body: Table, column: str) -> str:
    """SQL that tells a column; a moment that Python has not in every zone, as none."""
    name = f'b."{column}"'
    if not body.types[column].startswith("timestamp"):
        return name
    within = f"{name} BETWEEN {_FIRST_DAY} AND {_LAST_DAY}"
    return f'CASE WHEN {within} THEN {name} END AS "{column}"'
