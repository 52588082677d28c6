"""LISTEN on a PostgreSQL connection of its own."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from uuid import uuid4

from django.db import connections
from django.db.utils import Error

from .watcher import Watcher

logger = logging.getLogger("django_bgtasks.worker")

# Seconds between looks at an idle queue that is heard well; between proofs that
# it still is; until a proof counts as missing; and between attempts to reconnect.
_HEARING_PAUSE = 2.0
_PING_EVERY = 30.0
_PING_LATEST = 3.0
_RECONNECT_EVERY = 2.0


class Listener(Watcher):
    """Hears notifications; polls while it cannot.

    Behind a pooler in transaction mode, or after a network cut that nobody was
    told of, LISTEN is deaf without an error. So the listener now and then sends
    itself a message, and when that does not arrive the worker polls.
    """

    def __init__(self, connection: Any, channel: str, listen: bool | str) -> None:
        super().__init__()
        alias = listen if isinstance(listen, str) else connection.alias
        self._wrapper = connections.create_connection(alias)
        self._channel = channel
        self._token = uuid4().hex
        self._pinged_at: float | None = None
        self._next_ping = 0.0
        self._next_connect = 0.0
        self._stirred = False
        self._connect()

    def fileno(self) -> int | None:
        connection = self._wrapper.connection
        return None if connection is None else int(connection.fileno())

    def stirred(self) -> bool:
        self._read()
        stirred, self._stirred = self._stirred, False
        now = time.monotonic()
        # Now and then it looks all the same: who enqueued may have been killed
        # between the commit and the message.
        if stirred or (self.hears and now - self._looked_at >= _HEARING_PAUSE):
            self._looked_at = now
            return True
        return not self.hears and super().stirred()

    def pause(self, busy: bool) -> float:
        polling = super().pause(busy)
        return self._left(_HEARING_PAUSE) if self.hears else polling

    def tend(self, notify: Callable[[str], None]) -> None:
        now = time.monotonic()
        if self._wrapper.connection is None:
            if now >= self._next_connect:
                self._connect()
        elif self._pinged_at is not None:
            if now - self._pinged_at > _PING_LATEST:
                self._deafen("a message to itself did not arrive")
        elif now >= self._next_ping:
            self._pinged_at = now
            notify(self._token)

    def close(self) -> None:
        self.hears = False
        with suppress(Exception):
            self._wrapper.close()

    def _connect(self) -> None:
        self._next_connect = time.monotonic() + _RECONNECT_EVERY
        self._pinged_at, self._next_ping = None, 0.0
        try:
            # connect() would raise the driver's own errors.
            self._wrapper.ensure_connection()
            self._wrapper.set_autocommit(True)
            with self._wrapper.cursor() as cursor:
                cursor.execute(f'LISTEN "{self._channel}"')
        except Error as error:
            self._deafen(str(error).strip())

    def _read(self) -> None:
        connection = self._wrapper.connection
        if connection is None:
            return
        try:
            # The driver's own way takes a worker that was idle a tenth of the time
            # in which it could have claimed.
            pgconn = connection.pgconn
            pgconn.consume_input()
            while notification := pgconn.notifies():
                self._hear(notification.extra.decode(errors="replace"))
        except Exception as error:  # psycopg's own classes; any of them means deaf
            self._deafen(str(error).strip())

    def _hear(self, message: str) -> None:
        if message == self._token:
            self.hears = True
            self._pinged_at = None
            self._next_ping = time.monotonic() + _PING_EVERY
        elif len(message) != len(self._token):
            # Any other message of that length is another worker's proof.
            self._stirred = True
            self.messages.add(message)

    def _deafen(self, reason: str) -> None:
        if self.hears or self._next_ping == 0.0:
            logger.warning("LISTEN is deaf, polling instead: %s", reason)
        self.close()
        self._pinged_at = None
        # Behind a pooler this stays so; the next proof may wait.
        self._next_connect = time.monotonic() + _PING_EVERY
        self._next_ping = 1.0
