"""Server-sent events of one job: for WSGI in a thread, for ASGI in a coroutine."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Iterator

from django.db import Error

from ..results import pauses
from .access import Found
from .feed import Feed
from .shared import shared_looks, until_all_look
from .snapshot import Snapshot

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
                try:
                    text = self._news(self._found.look())
                except Error as error:
                    text = self._outage(error)
                if text:
                    yield text
        finally:
            self._closed()

    async def __aiter__(self) -> AsyncIterator[str]:
        """Hold nothing between two looks, which all streams take together."""
        looks = shared_looks()
        try:
            yield self._opening()
            for pause in pauses():
                if self._feed.ended:
                    return
                await asyncio.sleep(until_all_look(pause))
                try:
                    text = self._news(await looks.look(self._found))
                except Error as error:
                    text = self._outage(error)
                if text:
                    yield text
        finally:
            self._closed()

    def _opening(self) -> str:
        return self._feed.opening() + self._news(self._found.job)

    def _outage(self, error: Error) -> str:
        """End the stream: the browser comes again, to a database that may be back."""
        job = self._found.job
        logger.warning("Job %s cannot be followed: %s", job.id, str(error).strip())
        self._feed.ended = True
        return ""

    def _news(self, job: Snapshot | None) -> str:
        told = None if job is None else self._found.told(job)
        return self._feed.news(told, time.monotonic())

    def _closed(self) -> None:
        logger.debug("Stream of job %s closed", self._found.job.id)
