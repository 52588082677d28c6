"""Faults of processes: killed, stopped, told to stop, in turn or at a named point."""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from collections.abc import Iterable
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any, ClassVar

import psutil

from .. import journal
from ..killpoints import MOMENTS, PROTOCOLS, order
from ..ledger import Blow
from .base import Fault

if TYPE_CHECKING:
    from tests.acceptance.workers import Worker

    from ..scene import Scene


def signal_all(pids: Iterable[int], number: int) -> None:
    """Send a signal to those of these that are still there, in their order."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def _team(scene: Scene) -> Worker | None:
    """Choose a team; whoever it has is then known."""
    scene.refill()
    scene.learn()
    return scene.chance.choice(scene.teams) if scene.teams else None


def _kill_child(scene: Scene, team: Worker) -> frozenset[int]:
    children = team.processes()
    if not children:
        return frozenset()
    child = scene.chance.choice(children)
    with suppress(psutil.Error):
        child.kill()
    return frozenset({child.pid})


class KillWorker(Fault):
    name = "kill-worker"

    def strike(self, scene: Scene) -> frozenset[int]:
        team = _team(scene)
        return _kill_child(scene, team) if team else frozenset()


class KillSupervisor(Fault):
    """Its processes are orphans, which give their jobs back and end."""

    name = "kill-supervisor"
    lingers = 8.0

    def strike(self, scene: Scene) -> frozenset[int]:
        team = _team(scene)
        if team is None:
            return frozenset()
        team.send_signal(signal.SIGKILL)
        return scene.family(team.pid)


class KillHost(Fault):
    name = "kill-host"

    def strike(self, scene: Scene) -> frozenset[int]:
        team = _team(scene)
        if team is None:
            return frozenset()
        team.send_signal(signal.SIGSTOP)
        scene.learn()
        family = scene.family(team.pid)
        signal_all(family - {team.pid}, signal.SIGKILL)
        team.send_signal(signal.SIGKILL)
        return family


class KillBeat(Fault):
    name = "kill-beat"

    def strike(self, scene: Scene) -> frozenset[int]:
        if not scene.beats:
            return frozenset()
        beat = scene.chance.choice(scene.beats)
        beat.send_signal(signal.SIGKILL)
        return frozenset({beat.pid})


class KillCaller(Fault):
    """Killed wherever it is, perhaps between its COMMIT and the answer."""

    name = "kill-caller"

    def strike(self, scene: Scene) -> frozenset[int]:
        # Each heir does what is left, and an end must come.
        young = [name for name in sorted(scene.callers) if int(name[1:]) < 5]
        if not young:
            return frozenset()
        caller = scene.callers[scene.chance.choice(young)]
        caller.send_signal(signal.SIGKILL)
        return frozenset({caller.pid})


class StopStorm(Fault):
    """SIGTERM to supervisors, to their processes, to beats, or twice in a row."""

    name = "term-storm"
    lingers = 12.0

    def strike(self, scene: Scene) -> frozenset[int]:
        hit: set[int] = set()
        for _ in range(scene.chance.randint(1, 3)):
            team = _team(scene)
            if team is None:
                continue
            family = scene.family(team.pid)
            hit |= family
            whom = scene.chance.choice(["supervisor", "children", "twice", "all"])
            if scene.beats and scene.chance.random() < 0.3:
                scene.chance.choice(scene.beats).send_signal(signal.SIGTERM)
            if whom in ("children", "all"):
                signal_all(family - {team.pid}, signal.SIGTERM)
            if whom != "children":
                team.send_signal(signal.SIGTERM)
            if whom == "twice":
                time.sleep(scene.chance.uniform(0, 0.5))
                with suppress(ProcessLookupError):
                    team.send_signal(signal.SIGINT)
        return frozenset(hit)


class Zombie(Fault):
    """A team, or one process of it, stands still until its jobs are others'."""

    name = "zombie"
    lasts = (6.0, 8.0)
    lingers = 8.0

    def __init__(self) -> None:
        self.stopped: frozenset[int] = frozenset()

    def strike(self, scene: Scene) -> frozenset[int]:
        team = _team(scene)
        if team is None:
            return frozenset()
        family = scene.family(team.pid)
        self.stopped = family
        if scene.chance.random() < 0.3:
            self.stopped = frozenset({team.pid})
        self._stop(scene)
        return family

    def _stop(self, scene: Scene) -> None:
        for _ in range(100):
            signal_all(self.stopped, signal.SIGSTOP)
            if scene.server.vendor != "sqlite" or _is_free(scene):
                return
            signal_all(self.stopped, signal.SIGCONT)
            time.sleep(0.01)

    def heal(self, scene: Scene) -> None:
        # Its processes first, before their supervisor hears what has become of them.
        signal_all(sorted(self.stopped, reverse=True), signal.SIGCONT)


def _is_free(scene: Scene) -> bool:
    """Whether nobody has been stopped with the one lock that all writers share."""
    path = scene.server.entry()["NAME"]
    try:
        with closing(sqlite3.connect(path, timeout=0.3)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.rollback()
    except sqlite3.OperationalError:
        return False
    return True


class KillPoint(Fault):
    """Death at a named point of a protocol; see ``killpoints``."""

    name = "kill-point"
    lasts = (0.8, 1.5)
    lingers = 8.0
    protocols: ClassVar[tuple[str, ...]] = PROTOCOLS
    at_once: ClassVar[int] = 1

    def __init__(self) -> None:
        self.given: list[str] = []
        self.counted = 0

    def signals(self, scene: Scene) -> list[int]:
        return [signal.SIGKILL]

    def strike(self, scene: Scene) -> frozenset[int]:
        choose = scene.chance.choice
        for _ in range(self.at_once):
            point = f"{choose(self.protocols)}.{choose(MOMENTS)}"
            self.given.append(point)
            passes = choose([1, 1, 2, 3, 5, 9])
            order(scene.orders, point, passes, choose(self.signals(scene)))
        return frozenset()

    def heal(self, scene: Scene) -> None:
        for point in self.given:
            (scene.orders / point).unlink(missing_ok=True)
        self.given.clear()

    def further(self, scene: Scene) -> list[Blow]:
        new = self._new(scene)
        self.counted += len(new)
        return [
            Blow(
                f"{self.name} {each['point']}",
                each["at"],
                self.until(each),
                scene.family(each["pid"]),
                lingers=self.lingers,
            )
            for each in new
        ]

    def until(self, line: dict[str, Any]) -> float:
        return float(line["at"])

    def _new(self, scene: Scene) -> list[dict[str, Any]]:
        lines = journal.read(scene.orders / "struck.jsonl")
        signals = self.signals(scene)
        return [each for each in lines if each["signal"] in signals][self.counted :]


class SignalPoint(KillPoint):
    """SIGTERM at a named point; or SIGSTOP, until the jobs there are others'."""

    name = "signal-point"
    lasts = (6.0, 8.0)
    lingers = 12.0
    at_once = 3
    # A caller that is told to stop does so.
    protocols = tuple(each for each in PROTOCOLS if each != "enqueue")

    def signals(self, scene: Scene) -> list[int]:
        if scene.server.vendor == "sqlite":
            # Who stands still there with the one lock stops everybody.
            return [signal.SIGTERM]
        return [signal.SIGTERM, signal.SIGSTOP]

    def heal(self, scene: Scene) -> None:
        super().heal(scene)
        # Who has taken an order by now has noted it, and heeds it at once.
        time.sleep(0.1)
        signal_all((each["pid"] for each in self._new(scene)), signal.SIGCONT)

    def until(self, line: dict[str, Any]) -> float:
        return time.monotonic() if line["signal"] == signal.SIGSTOP else line["at"]
