"""The names of queues in PostgreSQL's words, beside those that are known."""

from __future__ import annotations

from .rows import Table


def queues_between(source: Table) -> str:
    """Return SQL that finds the queues with rows whose names are not in its array.

    Only the gaps between those names are looked in. While an old snapshot is held,
    the entries of all jobs since then stay in the index, and the least name of all
    would be found behind them.
    """
    return (
        f"WITH RECURSIVE known AS (SELECT DISTINCT name "
        f"FROM unnest(%s::varchar[]) AS k(name)), "
        f"gap(low, high) AS (SELECT name, lead(name) OVER (ORDER BY name) FROM known "
        f"UNION ALL SELECT '', min(name) FROM known), "
        f"q(name, high) AS (SELECT {_next(source, 'gap.low', 'gap.high')}, gap.high "
        f"FROM gap UNION ALL SELECT {_next(source, 'q.name', 'q.high')}, q.high "
        f"FROM q WHERE q.name IS NOT NULL) "
        f"SELECT name FROM q WHERE name IS NOT NULL ORDER BY name"
    )


def _next(source: Table, low: str, high: str) -> str:
    least = f"SELECT MIN(r.queue_name) FROM {source.name} r WHERE r.queue_name > {low}"
    return (
        f"CASE WHEN {high} IS NULL THEN ({least}) "
        f"ELSE ({least} AND r.queue_name < {high}) END"
    )
