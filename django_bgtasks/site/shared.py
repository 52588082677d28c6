"""Looks that many streams of one event loop take together."""

from __future__ import annotations

import asyncio
from weakref import WeakKeyDictionary

from asgiref.sync import sync_to_async

from .access import Found, look_at
from .snapshot import Snapshot

Answer = asyncio.Future[Snapshot | None]


class SharedLooks:
    """Reads at once what was asked for while it read before.

    So the database is asked by one stream as soon as it wants, and by thousands
    hardly more often.
    """

    def __init__(self) -> None:
        self._asked: list[tuple[Found, Answer]] = []
        self._reading: asyncio.Task[None] | None = None

    async def look(self, found: Found) -> Snapshot | None:
        """Read a job anew; None if it is gone. Raise what the database raises."""
        loop = asyncio.get_running_loop()
        answer: Answer = loop.create_future()
        self._asked.append((found, answer))
        if self._reading is None:
            self._reading = loop.create_task(self._read())
        return await answer

    async def _read(self) -> None:
        try:
            while self._asked:
                asked, self._asked = self._asked, []
                await self._answer(asked)
        finally:
            self._reading = None

    async def _answer(self, asked: list[tuple[Found, Answer]]) -> None:
        # In a thread of the loop's pool: a request's own would be held for long.
        look = sync_to_async(look_at, thread_sensitive=False)
        try:
            jobs = await look([found for found, _ in asked])
        except Exception as error:
            for _, answer in asked:
                if not answer.done():
                    answer.set_exception(error)
            return
        for (_, answer), job in zip(asked, jobs, strict=True):
            # A reader may have left meanwhile.
            if not answer.done():
                answer.set_result(job)


_of_loops: WeakKeyDictionary[asyncio.AbstractEventLoop, SharedLooks] = (
    WeakKeyDictionary()
)


def shared_looks() -> SharedLooks:
    """Return those of the running event loop."""
    return _of_loops.setdefault(asyncio.get_running_loop(), SharedLooks())


def until_all_look(pause: float) -> float:
    """Return the seconds, ``pause`` at most, to when all with this pause look."""
    return pause - asyncio.get_running_loop().time() % pause
