"""The connections of the threads that run tasks: kept, but none that is of no use."""

from __future__ import annotations

import threading
from itertools import count
from typing import Any

from django.db import connections


class _Seen(threading.local):
    """What a thread knew when it last looked after its connections."""

    outages = 0


_outages, _count = 0, count(1)
_seen = _Seen()


def expire() -> None:
    """Have every thread of this process make its connections anew; the database was
    found to be away.

    Those that are open may lead to a server that another has taken the place of: it
    answers, but writes nothing any more.
    """
    global _outages
    _outages = next(_count)


def has_expired() -> bool:
    """Whether what this thread has connected to was so before an outage."""
    return _seen.outages != _outages


def refresh() -> None:
    """Close what is broken or too old, as Django does around a request.

    After an outage, close all that is not in the middle of something, and that later.
    """
    now = _outages
    expired, is_done = _seen.outages != now, True
    for connection in connections.all(initialized_only=True):
        try:
            if expired and not connection.in_atomic_block:
                connection.close()
            else:
                is_done &= not connection.in_atomic_block
                connection.close_if_unusable_or_obsolete()
        except Exception:
            _discard(connection)
    if is_done:
        _seen.outages = now


def tidy(connection: Any, *, spoilt: bool) -> None:
    """Close a connection that a task left broken or in the middle of something.

    A ``spoilt`` one may have been interrupted in the middle of a statement.
    """
    if connection.connection is None:
        return
    try:
        if spoilt or connection.in_atomic_block or not connection.get_autocommit():
            _discard(connection)
        else:
            connection.close_if_unusable_or_obsolete()
    except Exception:
        _discard(connection)


def _discard(connection: Any) -> None:
    connection.in_atomic_block = False
    connection.savepoint_ids = []
    connection.atomic_blocks = []
    connection.needs_rollback = False
    connection.run_on_commit = []
    try:
        connection.close()
    except Exception:
        connection.connection = None
