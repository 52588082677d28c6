"""A stage: actors of which one moves at a time, as it is told."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from django.db import connection

from .actors import CUT_AFTER, GO, KILL, Actor, Ended
from .steps import WRITER, Step

# How long a statement may take before it is asked whether it waits for a lock.
_SOON = 0.01
_PATIENCE = 60.0


class Move(NamedTuple):
    """Something that may happen next."""

    actor: str
    deed: str

    @property
    def is_fault(self) -> bool:
        return self.deed != GO


class Cast:
    """Actors that play one piece after the other."""

    def __init__(self) -> None:
        self._actors: list[Actor] = []

    def get(self, count: int) -> list[Actor]:
        while len(self._actors) < count:
            self._actors.append(Actor())
        return self._actors[:count]

    def dismiss(self) -> None:
        for actor in self._actors:
            actor.dismiss()


class Stage:
    """One performance. ``faults`` says which faults may befall whom, once in all."""

    def __init__(
        self,
        cast: Cast,
        works: Mapping[str, Callable[[], Any]],
        faults: Iterable[Move] = (),
    ) -> None:
        actors = cast.get(len(works))
        self._actors = dict(zip(works, actors, strict=True))
        self._faults = set(faults)
        self._pending: dict[str, Step] = {}
        self._blocked: dict[str, Step] = {}
        self._fresh = set(works)
        self.ended: dict[str, Ended] = {}
        self.trace: list[str] = []
        self.deadlocks = 0
        for name, work in works.items():
            self._actors[name].begin(work)
            self._settle(name)

    def moves(self) -> dict[Move, Step]:
        """Return what may happen next, with what it would touch; in their order, so
        that first of all each does what it does undisturbed."""
        if not self._pending and self._blocked:
            self._outwait()
        found = {
            Move(name, GO): self._pending[name]
            for name in self._actors
            if name in self._pending and not self._must_wait(name, self._pending[name])
        }
        faults = {}
        for fault in self._faults:
            step = self._pending.get(fault.actor)
            if step is None:
                continue
            if fault.deed == CUT_AFTER:
                if step.shows and Move(fault.actor, GO) in found:
                    faults[fault] = step
            elif fault.actor not in self._fresh:
                lost = self._actors[fault.actor].touched
                # Of a transaction the last moment stands for all: what it has
                # locked till then is free again at once.
                if step.shows or not lost:
                    faults[fault] = Step(fault.deed, shows=lost)
        return found | dict(sorted(faults.items()))

    def perform(self, move: Move) -> Step:
        """Have it happen; return all that was touched, by those set free as well."""
        name = move.actor
        step = done = self.moves()[move]
        if move.is_fault:
            self._faults = set()
        self._fresh.discard(name)
        del self._pending[name]
        self.trace.append(f"{name}: {f'{move.deed} at ' * move.is_fault}{step.text}")
        self._actors[name].order(move.deed)
        self._settle(name, step)
        if step.shows:
            for other, waiting in list(self._blocked.items()):
                if other != name and self._settle(other, waiting):
                    self.trace.append(f"{other}: goes on after {waiting.text}")
                    done += waiting
        return done

    def abandon(self) -> None:
        """End all that is under way, as if everybody were killed."""
        for _ in range(1_000):
            if not self._pending and not self._blocked:
                return
            for name in list(self._pending):
                del self._pending[name]
                self._actors[name].order(KILL)
                self._settle(name)
            for name, step in list(self._blocked.items()):
                self._settle(name, step)
        raise AssertionError("They do not end.")

    def _must_wait(self, name: str, step: Step) -> bool:
        return WRITER in step.writes and any(
            WRITER in actor.touched
            for other, actor in self._actors.items()
            if other != name
        )

    def _settle(self, name: str, step: Step | None = None) -> bool:
        """Wait until an actor stops again, ends, or waits for a lock.

        Tell whether it is not waiting.
        """
        actor, deadline = self._actors[name], time.monotonic() + _PATIENCE
        pause = _SOON
        while (news := actor.news(pause)) is None:
            if step is not None and waits(actor.session):
                self._blocked[name] = step
                return False
            assert time.monotonic() < deadline, f"{name} is lost: {self.trace}"
        self._blocked.pop(name, None)
        if isinstance(news, Ended):
            self.ended[name] = news
        else:
            self._pending[name] = news
        return True

    def _outwait(self) -> None:
        """Everybody waits for somebody: the server sees to that."""
        self.deadlocks += 1
        self.trace.append(f"deadlock of {', '.join(self._blocked)}")
        deadline = time.monotonic() + _PATIENCE
        while not self._pending and self._blocked:
            for name, step in list(self._blocked.items()):
                self._settle(name, step)
            assert time.monotonic() < deadline, f"deadlock: {self.trace}"


def waits(session: Any) -> bool:
    """Whether the server has this session wait for another's lock."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT cardinality(pg_blocking_pids(%s)) > 0", [session])
            return bool(cursor.fetchone()[0])
        if connection.vendor == "mysql":
            # Unlike the tables of INFORMATION_SCHEMA it is as of now.
            cursor.execute("SHOW ENGINE INNODB STATUS")
            return _waits(cursor.fetchone()[2], session)
    return False


def _waits(status: str, session: int) -> bool:
    for part in re.split(r"^---TRANSACTION ", status, flags=re.MULTILINE):
        if re.search(rf"thread id {session}\b", part):
            return "LOCK WAIT" in part
    return False
