"""Shield: run a task inside a transaction that must survive it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from django.db import DatabaseError, connections

logger = logging.getLogger("django_bgtasks.job")
_SPOILT = (
    "A task left the open transaction on %r spoilt, so all that it wrote there is "
    "rolled back. In a worker only the statement that failed would be."
)


@contextmanager
def shielded(*, atomic: bool) -> Iterator[None]:
    """Keep every open transaction of this thread usable, whatever happens inside.

    In a worker, a statement that fails spoils nothing but itself. Inside the
    transaction of a test it spoils all that follows, so a savepoint is set: what
    was written inside is kept, unless it ends with the transaction spoilt. For an
    ``atomic`` task that is as it should be; of others it is logged.
    """
    with ExitStack() as stack:
        for connection in connections.all(initialized_only=True):
            if connection.in_atomic_block:
                stack.enter_context(_shielded(connection, atomic))
        yield


@contextmanager
def _shielded(connection: Any, atomic: bool) -> Iterator[None]:
    # Not by atomic(): a task may open a durable block, which tests allow as the
    # first one inside of their own.
    savepoint = connection.savepoint()
    hooks = len(connection.run_on_commit)
    try:
        yield
    finally:
        if connection.needs_rollback or not _released(connection, savepoint):
            connection.needs_rollback = False
            connection.savepoint_rollback(savepoint)
            del connection.run_on_commit[hooks:]
            if not atomic:
                logger.warning(_SPOILT, connection.alias)


def _released(connection: Any, savepoint: str) -> bool:
    try:
        connection.savepoint_commit(savepoint)
    except DatabaseError:
        return False
    return True
