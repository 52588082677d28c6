"""The short way to PostgreSQL, for the statements that callers wait for.

Over a statement of one row, Django's cursor and the driver's take longer than the
server does. So such a statement is handed to libpq: prepared where that is safe,
and with the message to the workers in the same round trip.
"""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

from . import short_way
from .rows import Row
from .take_sql import ALONG_INDEXES

try:
    from .line import Line, Session, is_of_driver
    from .reading import Reading
except ImportError:  # psycopg2, or a version that keeps its parts elsewhere
    _has_driver = False
else:
    _has_driver = True

# By the driver's connection: a pool lends it to one Django connection after another.
_sessions: WeakKeyDictionary[Any, Session] = WeakKeyDictionary()


class Wire:
    """The short way by one Django connection, while there is one."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._line: Line | None = None
        self._last: Reading | None = None

    def line(self) -> Line | None:
        """Return the way to the server, or None if a cursor must be used."""
        connection = self._connection
        if not _has_driver or not short_way.is_open(connection):
            return None
        line, raw = self._line, connection.connection
        if line is None or line.raw is not raw:
            line = self._line = Line(raw, _session(connection))
        return line if line.is_free() else None

    def plan_takes(self) -> None:
        """Have takes go along indexes, if the session is this process's own.

        They are planned once, unless somebody looks at what is sent.
        """
        connection = self._connection
        if not _is_kept(connection):
            return
        reading = self._reading()
        if reading is not None:
            with connection.wrap_database_errors:
                reading.plan_once()
        elif _is_direct(connection):
            with connection.cursor() as cursor:
                cursor.execute(ALONG_INDEXES)

    def fetch(
        self, text: str, params: list[Any], *, planned: bool = False
    ) -> list[Row] | None:
        """Execute a statement and return its rows, or return None: use a cursor.

        In a transaction nothing is ``planned``: if it cannot be, that would spoil it.
        """
        reading = self._reading()
        if reading is None:
            return None
        planned = planned and not self._connection.in_atomic_block
        with self._connection.wrap_database_errors:
            return reading.rows(text, params, planned=planned)

    def _reading(self) -> Reading | None:
        line, known = self.line(), self._last
        if line is None or (known is not None and known.line is line):
            return known if line else None
        self._last = Reading(line)
        return self._last


def _session(connection: Any) -> Session:
    raw = connection.connection
    session = _sessions.get(raw)
    if session is None:
        session = _sessions[raw] = Session(
            is_plain=_is_plain(connection, raw),
            may_prepare=_may_prepare(connection, raw),
        )
    return session


def _is_plain(connection: Any, raw: Any) -> bool:
    """Whether nothing but Django and the driver is between here and the server."""
    return (
        is_of_driver(raw)
        and raw.cursor_factory.__module__.startswith("django.")
        and short_way.is_plain(connection)
    )


def _is_kept(connection: Any) -> bool:
    """Whether nobody else gets this session, from Django's pool or a backend's own."""
    has_pool = connection.settings_dict["OPTIONS"].get("pool")
    return not has_pool and short_way.is_opened(connection)


def _is_direct(connection: Any) -> bool:
    """Whether the server's process is the one that was connected to: no pooler's."""
    raw = connection.connection
    if not hasattr(raw, "prepare_threshold") or not _may_prepare(connection, raw):
        return False
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return bool(cursor.fetchone()[0] == raw.info.backend_pid)


def _may_prepare(connection: Any, raw: Any) -> bool:
    """Whether nothing says that sessions are shared, or emptied meanwhile.

    A driver that prepares statements itself deallocates all of them at times.
    """
    options = connection.settings_dict["OPTIONS"]
    pool = options.get("pool")
    return (
        raw.prepare_threshold is None
        and "prepare_threshold" not in options
        and not connection.settings_dict.get("DISABLE_SERVER_SIDE_CURSORS")
        and not (isinstance(pool, dict) and "reset" in pool)
    )
