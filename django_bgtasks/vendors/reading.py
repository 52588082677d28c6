"""Statements by libpq whose rows are read.

Their parameters are sent beside their text. A cursor of Django's would write them into
it first, which takes as long as all else that is done for a row here.
"""

from __future__ import annotations

from typing import Any

from psycopg import Cursor, errors
from psycopg.adapt import Transformer

from .fast_moments import read_moments_fast
from .line import Line
from .rows import Row
from .statement import Statement, encoded, numbered, statement
from .take_sql import ALONG_INDEXES

# Somebody has deallocated what was prepared; a column has got another type.
_UNUSABLE = (
    errors.InvalidSqlStatementName,
    errors.DuplicatePreparedStatement,
    errors.FeatureNotSupported,
)


class Reading:
    """Reads by one line. Raise the driver's errors."""

    def __init__(self, line: Line) -> None:
        self.line = line
        cursor = Cursor(line.raw)
        read_moments_fast(cursor)
        self._reader = Transformer.from_context(cursor)
        self._plans = False
        # By their texts, which differ little.
        self._statements: dict[str, Statement] = {}

    def plan_once(self) -> None:
        """Have takes planned once, in a session that serves nobody but claims.

        To plan one takes longer than to carry it out. But the plan is then used
        whatever the tables hold by now: one made beside empty tables has to be right
        for full ones as well. All of a take goes along indexes, so the session is told
        to plan nothing else.
        """
        if self.line.is_own():
            self.line.command(ALONG_INDEXES)
            self._plans = True

    def rows(self, text: str, params: list[Any], *, planned: bool) -> list[Row] | None:
        """Execute a statement, as ``planned`` once if may be; None if it cannot."""
        values = None if any(type(each) is list for each in params) else encoded(params)
        if values is None:
            return None
        answer = self._answer(text, values) if planned and self._plans else None
        if answer is None:
            answer = self.line.answer(numbered(text), values)
        self._reader.set_pgresult(answer)
        rows = self._reader.load_rows(0, answer.ntuples, tuple)
        # It would keep all that was read.
        self._reader.set_pgresult(None)
        return rows

    def _answer(self, text: str, values: list[bytes | None]) -> Any:
        known = self._statements.get(text)
        if known is None:
            known = self._statements[text] = statement(text)
        try:
            return self.line.prepared_answer(known, values)
        except _UNUSABLE:
            self._plans = False
            return None
