"""Server-sent events of one job: for WSGI in a thread, for ASGI in a coroutine."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

from asgiref.sync import sync_to_async
from django.db import Error

from ..results import pauses
from .access import Found
from .feed import Feed

logger = logging.getLogger("django_bgtasks.site")


class Stream:
    """One answer. It looks at the job as ``result.wait()`` does, until its end."""

    def __init__(self, found: Found, last_id: str) -> None:
        now = time.monotonic()
        length = found.options.status_stream.total_seconds()
        self._found = found
        self._feed = Feed(last_id, now + length, now)

    def __iter__(self) -> Iterator[str]:
        """Hold the thread that serves the request until the stream ends."""
        try:
            yield self._opening()
            for pause in pauses():
                if self._feed.ended:
                    return
                time.sleep(pause)
                if text := self._look():
                    yield text
        finally:
            self._closed()

    async def __aiter__(self) -> AsyncIterator[str]:
        """Hold nothing between two looks."""
        try:
            yield self._opening()
            for pause in pauses():
                if self._feed.ended:
                    return
                await asyncio.sleep(pause)
                # In a thread of the loop's pool, which many streams share.
                if text := await sync_to_async(self._look, thread_sensitive=False)():
                    yield text
        finally:
            self._closed()

    def _opening(self) -> str:
        return self._feed.opening() + self._news(self._found.told(self._found.job))

    def _look(self) -> str:
        try:
            job = self._found.look()
        except Error as error:
            logger.warning(
                "Job %s cannot be followed: %s", self._found.job.id, str(error).strip()
            )
            # The browser comes again, by which time the database may be back.
            self._feed.ended = True
            return ""
        return self._news(None if job is None else self._found.told(job))

    def _news(self, told: dict[str, Any] | None) -> str:
        return self._feed.news(told, time.monotonic())

    def _closed(self) -> None:
        logger.debug("Stream of job %s closed", self._found.job.id)
