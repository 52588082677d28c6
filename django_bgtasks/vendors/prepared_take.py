"""Takes that PostgreSQL plans once for a session, not each time.

To plan one takes it longer than to carry it out. But the plan is then used whatever the
tables hold by now: one made beside empty tables has to be right for full ones as well.
All of a take goes along indexes, so the session is told to plan nothing else.
"""

from __future__ import annotations

from typing import Any

from psycopg import Cursor, errors
from psycopg.adapt import Transformer

from .fast_moments import read_moments_fast
from .line import Line
from .rows import Row
from .statement import Statement, encoded, statement

# For all statements of the session. What has no other way is done all the same, at a
# cost that would have it compiled first.
_SETTINGS = """
SET plan_cache_mode = force_generic_plan;
SET enable_seqscan = off;
SET enable_bitmapscan = off;
SET enable_hashjoin = off;
SET enable_mergejoin = off;
SET enable_sort = off;
SET jit = off
"""
# Somebody has deallocated what was prepared; a column has got another type.
_UNUSABLE = (errors.InvalidSqlStatementName, errors.FeatureNotSupported)


class PreparedTakes:
    """Sends takes by one session, which serves nobody but a worker's claims."""

    def __init__(self, line: Line) -> None:
        """Set the session up. Raise the driver's errors."""
        self._line: Line | None = line
        # By their texts, which differ little.
        self._statements: dict[str, Statement] = {}
        cursor = Cursor(line.raw)
        read_moments_fast(cursor)
        self._reader = Transformer.from_context(cursor)
        line.command(_SETTINGS)

    def rows(self, line: Line, text: str, params: list[Any]) -> list[Row] | None:
        """Execute it, or return None where that must be done in another way.

        Raise the driver's errors.
        """
        values = None if any(type(each) is list for each in params) else encoded(params)
        if line is not self._line or values is None:
            return None
        known = self._statements.get(text)
        if known is None:
            known = self._statements[text] = statement(text)
        try:
            answer = line.answer(known, values)
        except _UNUSABLE:
            self._line = None
            return None
        self._reader.set_pgresult(answer)
        return self._reader.load_rows(0, answer.ntuples, tuple)
