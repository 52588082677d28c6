"""A rolling deploy under load: old code, both, new code; and then the account."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import psutil
from django.db import Error, connection

from django_bgtasks.models import Process, Schedule
from tests.acceptance import beat_ledger
from tests.chaos import facts, journal
from tests.chaos.ledger import Account, Blow, audit
from tests.chaos.scene import Plan, clock
from tests.chaos.servers import Server

from .revisions import HERE, Code
from .sides import Side

_PATIENCE = 120.0
_SCHEDULES = 8
# Of each direction: jobs that one side enqueued and the other ran.
_ENOUGH = 20
# How many enqueue while it is migrated, and how often it is migrated back.
_CROWD, _ROUNDS = 4, 5


class Broken(Exception):
    """A promise was broken, and what comes after says nothing more."""


@dataclass
class Deploy:
    """Deploy this code where an older one works. ``load`` is a side's jobs a second."""

    server: Server
    directory: Path
    older: Code
    load: float = 12.0
    sabotage: str = ""
    tell: Callable[[str], None] = lambda story: None
    blows: list[Blow] = field(default_factory=list)
    disorder: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        plan = Plan(
            vendor=self.server.vendor,
            faults=(),
            seed=1,
            jobs=100,
            rate=self.load,
            every=0,
            callers=1,
            sabotage=self.sabotage,
        )
        self.old = Side(plan, self.server, self.directory, code=self.older)
        self.new = Side(plan, self.server, self.directory, code=HERE)
        self.sides = (self.old, self.new)

    def perform(self) -> Account:
        """Both revisions' schemas are gone through; the database is empty before."""
        self.tell(f"old: {self.older.name}, {self.older.migrations[-1]}")
        self.old.migrate()
        try:
            self._start_old()
            self._migrate()
            first = self._start_new()
            self._mix()
            self._kill_hosts()
            self._retire_old()
            self._drain(first)
        finally:
            for side in self.sides:
                side.close()
        account = audit(facts.collect(self.old.calls, self.old.runs, self.blows))
        account.disorder += self.disorder + self._errors()
        connection.close()
        return account

    # -- the deploy ---------------------------------------------------------

    def _start_old(self) -> None:
        assert self.old.is_of().is_relative_to(self.older.path or "/nowhere")
        self.old.start_team()
        self.old.call()
        self._until(self.old.all_work, "the old team")
        self._until(self.old.runs.exists, "the first job")

    def _migrate(self) -> None:
        """Bring in the newer tables while the old ones enqueue and work.

        There and back again, some times: each is a chance to be in the way of a caller.
        """
        self.old.crowd = _CROWD
        rounds = _ROUNDS if self.older.migrations != HERE.migrations else 0
        with self._calls_meanwhile(self.old):
            migration = self.new.migrate_to_and_fro(rounds, self.older.migrations[-1])
            self._until(lambda: not migration.is_running(), "tables", self.old)
        if migration.wait():
            raise RuntimeError(f"It could not be migrated:\n{migration.output}")
        self.old.crowd = 1
        self.tell(f"migrated to {HERE.migrations[-1]} under load, {rounds} times back")

    def _start_new(self) -> dict[int, datetime]:
        beat_ledger.make(_SCHEDULES, 10.0, fast=False, seed=1)
        Schedule.objects.update(task_path="tests.chaos.tasks.due")
        first = beat_ledger.planned()
        connection.close()
        self.new.start_team()
        for side in self.sides:
            side.start_beat()
        self._until(self.new.all_work, "the new team")
        return first

    def _mix(self) -> None:
        def each_ran_the_others() -> bool:
            return all(
                one.has_run_jobs_of(other) >= _ENOUGH
                for one, other in (self.sides, self.sides[::-1])
            )

        self._until(each_ran_the_others, "jobs to cross", *self.sides)
        one, other = (
            self.old.has_run_jobs_of(self.new),
            self.new.has_run_jobs_of(self.old),
        )
        self.tell(f"the old ran {one} jobs of the new, the new {other} of the old")

    def _kill_hosts(self) -> None:
        """Each side's host dies once, with jobs in its hands; the other finds it."""
        for side in self.sides:
            (team,) = side.teams
            family = side.family(team.pid)
            began = clock()
            team.kill()
            self.blows.append(Blow("kill -9", began, clock(), family))
            side.teams.clear()
            self._until(
                lambda side=side, family=family: not side.has_rows(family),  # type: ignore[misc]
                "the dead to be found",
                *self.sides,
            )
            side.start_team()
            self._until(side.all_work, "another team", *self.sides)
            self.tell(f"killed a host of {side.code.name}; the other found it")

    def _retire_old(self) -> None:
        for caller in self.old.calling():
            self.disorder += [f"a caller ended with {c}" for c in [caller.wait()] if c]
        with self._calls_meanwhile(self.new):
            self.disorder += self.old.stop([*self.old.beats, *self.old.teams])
        self.tell("the old ones have stopped")

    def _drain(self, first: dict[int, datetime]) -> None:
        for caller in self.new.calling():
            self.disorder += [f"a caller ended with {c}" for c in [caller.wait()] if c]
        self.disorder += self.new.stop(self.new.beats)
        until = beat_ledger.look()
        self._until(lambda: facts.unfinished() == 0, "all to end")
        self.disorder += self.new.stop(self.new.teams)
        if left := [str(row) for row in Process.objects.all()]:
            self.disorder.append(f"rows of processes are left: {left}")
        self.disorder += beat_ledger.differences(first, until)

    # -- means --------------------------------------------------------------

    @contextmanager
    def _calls_meanwhile(self, side: Side) -> Iterator[None]:
        """See that there were calls before, and are calls after, what is done."""
        count = self._calls()
        self._until(lambda: self._calls() > count + 5, "calls before", side)
        yield
        count = self._calls()
        self._until(lambda: self._calls() > count + 5, "calls after", side)

    def _calls(self) -> int:
        return sum(1 for _ in journal.read(self.old.calls))

    def _until(self, look: Callable[[], bool], what: str, *calling: Side) -> None:
        """Wait, while these sides enqueue."""
        end = clock() + _PATIENCE
        while clock() < end:
            for side in calling:
                side.call()
            try:
                if look():
                    return
            except (Error, psutil.Error):
                connection.close()
            if errors := self._errors():
                raise Broken("; ".join(errors[:3]))
            time.sleep(0.2)
        words = [each.last_words for side in self.sides for each in side.everybody]
        raise RuntimeError(f"Waited for {what}:\n" + "\n".join(words))

    def _errors(self) -> list[str]:
        """What callers were told that a healthy database would not have told them."""
        return [
            f"a caller saw {line['error']}"
            for line in journal.read(self.old.calls)
            if line["what"] in ("unknown", "cancel unknown")
        ]
