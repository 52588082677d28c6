"""A run: load and faults at once, then rest, then the account."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from django.core.management import call_command
from django.db import Error, connection

from django_bgtasks.models import Process, Schedule
from tests.acceptance import beat_ledger

from . import facts
from .disk import Refused
from .faults import FAULTS, Fault
from .ledger import Account, Blow, audit
from .scene import RESCUE_AFTER, Scene, clock, say

# If none has ended for so long, all that are left are stuck.
_PATIENCE = 90.0
_SCHEDULES = 12


@dataclass
class Run:
    scene: Scene
    quiet: bool = False
    blows: list[Blow] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)
    disorder: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        plan = self.scene.plan
        self.faults = [FAULTS[name]() for name in plan.faults]
        self.active: dict[Fault, tuple[float, float, frozenset[int] | None]] = {}
        self.chance = random.Random(f"{plan.seed} faults")
        self.began = clock()
        self.struck = 0

    def perform(self) -> Account:
        """Harm, heal, wait, audit."""
        # Sessions that the run before has left behind would be waited for.
        self.scene.server.cut(self.chance)
        _empty()
        self._prepare()
        first = _make_schedules(self.scene.plan.seed)
        try:
            self.scene.refill()
            self._wait_for_workers()
            self.scene.start_callers()
            self._wait_for_work()
            self._harm()
            self._recover()
            self._drain(first)
        finally:
            self.scene.close()
        return self._account()

    def _prepare(self) -> None:
        through = {fault.through for fault in self.faults} | {self.scene.plan.through}
        if "proxy" in through:
            self.scene.lead_through_proxy()
        elif "pooler" in through:
            self.scene.lead_through_pooler()
        for fault in list(self.faults):
            try:
                fault.prepare(self.scene)
            except Refused as reason:
                if len(self.faults) == 1:
                    raise
                say(f"  without {fault.name}: {reason}")
                self.faults.remove(fault)
                continue

        if more := [fault.tasks for fault in self.faults if fault.tasks]:
            mark = "+" if len(self.faults) > 1 else "*"
            self.scene.more_tasks = mark + ",".join(more)

    # -- harm ---------------------------------------------------------------

    def _harm(self) -> None:
        """Strike again and again until the callers have enqueued all of it."""
        self.began = clock()
        due = self.began + self.scene.plan.every * self.chance.uniform(0.5, 1.5)
        while self.scene.callers:
            now = clock()
            self._heal_due(now)
            if now >= due and self.faults:
                due = now + self.scene.plan.every * self.chance.uniform(0.5, 1.5)
                self._strike()
            if now - self.began > self.scene.plan.seconds:
                self.scene.stop_callers()
            self.scene.refill()
            time.sleep(0.1)
        self._let_pass()

    def _strike(self) -> None:
        if any(fault.is_total for fault in self.active):
            return
        idle = [fault for fault in self.faults if fault not in self.active]
        if not idle:
            return
        fault = self.chance.choice(idle)
        if fault.is_total and self.active:
            self._heal_all()
        began, lasts = clock(), self.chance.uniform(*fault.lasts)
        try:
            pids = fault.strike(self.scene)
        except Exception as error:
            # Another fault is in the way; alone, it must not be.
            self.missed.append(f"{fault.name}: {error}")
            return
        self.struck += 1
        self._tell(f"{fault.name} for {lasts:.1f} s", pids)
        self.active[fault] = began, clock() + lasts, pids
        if fault.lasts[1] == 0:
            self._heal(fault)

    def _heal(self, fault: Fault) -> None:
        began, _, pids = self.active.pop(fault)
        fault.heal(self.scene)
        now = clock()
        if pids != frozenset():
            self.blows.append(Blow(fault.name, began, now, pids, lingers=fault.lingers))
        self.blows += fault.further(self.scene)

    def _heal_due(self, now: float) -> None:
        for fault, (_, until, _) in list(self.active.items()):
            if now >= until:
                self._heal(fault)

    def _let_pass(self) -> None:
        """Wait until each fault has lasted as long as it was to."""
        while self.active:
            self._heal_due(clock())
            self.scene.refill()
            time.sleep(0.1)

    def _heal_all(self) -> None:
        for fault in list(self.active):
            self._heal(fault)

    def _tell(self, story: str, pids: frozenset[int] | None) -> None:
        if not self.quiet:
            whom = "all" if pids is None else " ".join(map(str, sorted(pids)))
            say(f"  {clock() - self.began:6.1f} s  {story}  ({whom})")

    # -- rest ---------------------------------------------------------------

    def _recover(self) -> None:
        self.scene.refill()
        if self.faults and not self.struck:
            self.disorder.append(f"nothing was struck: {self.missed or 'no time'}")

    def _wait_for_workers(self) -> None:
        """Wait until all are there, so that no load passes before there is harm."""

        def are_here() -> bool:
            rows = Process.objects.filter(kind=Process.Kind.WORKER)
            return rows.count() >= 2 * len(self.scene.teams)

        self._expect(are_here)

    def _wait_for_work(self) -> None:
        self._expect(self._has_work_begun)

    def _expect(self, look: Callable[[], bool]) -> None:
        if not self._eventually(look, 60):
            words = [each.last_words for each in self.scene.everybody]
            raise RuntimeError("Nobody works:\n" + "\n".join(words))

    def _has_work_begun(self) -> bool:
        return self.scene.runs.exists()

    def _drain(self, first: dict[int, datetime]) -> None:
        """Let all of it end, stop everybody, and look at the schedules."""
        scene = self.scene
        scene.is_ending = True
        # What was a session when the harm began may be none any more.
        connection.close()
        self.disorder += scene.stop(scene.beats)
        until = beat_ledger.look()
        if stuck := self._await_ends():
            self.disorder.append(f"{stuck} jobs are stuck")
        if not self._eventually(self._dead_are_gone, 4 * RESCUE_AFTER):
            rows = [str(row) for row in Process.objects.all()]
            self.disorder.append(f"the rows of the dead stay: {rows}")
        self.disorder += scene.stop(scene.teams)
        if left := [str(row) for row in Process.objects.all()]:
            self.disorder.append(f"rows of processes are left: {left}")
        self.disorder += beat_ledger.differences(first, until)

    def _await_ends(self) -> int:
        """Wait while jobs end, and return how many are left."""
        left = -1

        def moves() -> bool:
            nonlocal left
            before, left = left, facts.unfinished()
            return left != before

        while self._eventually(moves, _PATIENCE) and left:
            pass
        return left

    def _dead_are_gone(self) -> bool:
        self.scene.learn()
        live = {pid for team in self.scene.teams for pid in self.scene.family(team.pid)}
        return {row.pid for row in Process.objects.all()} <= live

    def _eventually(self, look: Callable[[], bool], seconds: float) -> bool:
        """Look until it is so; the database may still be about to come back."""
        end = clock() + seconds
        while clock() < end:
            try:
                if look():
                    return True
            except Error:
                connection.close()
            self.scene.refill()
            time.sleep(0.3)
        return False

    def _account(self) -> Account:
        for fault in self.faults:
            self.blows += fault.further(self.scene)
        found = facts.collect(self.scene.calls, self.scene.runs, self.blows)
        account = audit(found)
        account.disorder += self.disorder + self.scene.crashes()
        connection.close()
        return account


def _empty() -> None:
    connection.close()
    call_command("flush", interactive=False, allow_cascade=True, verbosity=0)


def _make_schedules(seed: int) -> dict[int, datetime]:
    beat_ledger.make(_SCHEDULES, 10.0, fast=False, seed=seed)
    Schedule.objects.update(task_path="tests.chaos.tasks.due")
    planned = beat_ledger.planned()
    connection.close()
    return planned
