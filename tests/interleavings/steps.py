"""What a step of an actor touches: two that share nothing may come in either order."""

from __future__ import annotations

import re
from typing import NamedTuple

NOTHING: frozenset[str] = frozenset()
# SQLite has one lock, of who may write.
WRITER = "the writer"

_TABLE = re.compile(r"\b(?:django_bgtasks|testapp)_\w+")
_WRITTEN = re.compile(
    r"\b(?:INSERT(?: OR IGNORE| IGNORE)? INTO|UPDATE|DELETE FROM)\s+[\"`]?"
    r"((?:django_bgtasks|testapp)_\w+)"
)


class Step(NamedTuple):
    """What an actor is about to do, and the tables that it concerns.

    ``reads`` are seen as others have committed them, ``writes`` are written or
    locked, and of ``shows`` it makes the changes seen and frees the locks.
    """

    text: str
    reads: frozenset[str] = NOTHING
    writes: frozenset[str] = NOTHING
    shows: frozenset[str] = NOTHING

    def depends_on(self, other: Step) -> bool:
        """Whether the order of the two may matter."""
        return bool(
            self.writes & other.writes
            or self.shows & (other.reads | other.writes)
            or other.shows & (self.reads | self.writes)
        )

    def __add__(self, other: object) -> Step:
        assert isinstance(other, Step)
        return Step(
            f"{self.text}; {other.text}",
            self.reads | other.reads,
            self.writes | other.writes,
            self.shows | other.shows,
        )


def statement(sql: str, *, in_transaction: bool) -> Step | None:
    """Read a statement; None if it touches no table of ours."""
    tables = frozenset(_TABLE.findall(sql))
    if not tables:
        return None
    writes = frozenset(_WRITTEN.findall(sql))
    if not writes and "FOR UPDATE" in sql:
        writes = tables
    shows = NOTHING if in_transaction else writes
    return Step(_words(sql), tables - writes, writes, shows)


def _words(sql: str) -> str:
    verb = sql.split(None, 1)[0]
    names = [name.rpartition("_")[2] for name in _WRITTEN.findall(sql)]
    if not names:
        names = [name.rpartition("_")[2] for name in dict.fromkeys(_TABLE.findall(sql))]
        verb += " FOR UPDATE" * ("FOR UPDATE" in sql)
    return f"{verb} {', '.join(dict.fromkeys(names))}"
