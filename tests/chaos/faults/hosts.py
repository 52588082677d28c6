"""Faults of hosts and of what stands in between."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from .. import journal
from ..ledger import Blow
from ..memory import LittleMemory
from .base import Fault
from .database import Cut

if TYPE_CHECKING:
    from ..scene import Scene


class WrongClock(Fault):
    """The teams, beats and callers are hours early or late, each by its own."""

    name = "wrong-clock"
    vendors = ("postgresql", "mariadb")

    def strike(self, scene: Scene) -> frozenset[int]:
        scene.wanted["host_clock"] = scene.chance.choice([-7200, -40, 40, 86400])
        team = scene.chance.choice(scene.teams)
        team.send_signal(9)
        return scene.family(team.pid)


class OutOfMemory(Fault):
    """The kernel kills the process of a task that takes more than there is."""

    name = "out-of-memory"
    tasks = "greedy"
    lasts = (2.0, 5.0)
    lingers = 5.0

    def prepare(self, scene: Scene) -> None:
        self.group = LittleMemory()
        scene.to_remove.append(self.group)

    def strike(self, scene: Scene) -> frozenset[int]:
        scene.refill()
        scene.learn()
        pids = {each.pid for each in scene.chance.choice(scene.teams).processes()}
        self.group.take_in(pids)
        return frozenset(pids)

    def heal(self, scene: Scene) -> None:
        self.group.let_go()


class HostileTasks(Fault):
    """Tasks that end, block or spoil the process that runs them; see ``evil``."""

    name = "hostile-tasks"
    tasks = "hostile,hostile_atomic,deleter"
    lingers = 5.0

    what: ClassVar[str] = "evil"

    def __init__(self) -> None:
        self.counted = 0

    def strike(self, scene: Scene) -> frozenset[int]:
        return frozenset()  # The callers do.

    def further(self, scene: Scene) -> list[Blow]:
        lines = [
            each
            for each in journal.read(scene.runs)
            if each["what"].startswith(self.what)
        ]
        new, self.counted = lines[self.counted :], len(lines)
        return [
            Blow(
                f"{self.name} {each['what']}",
                each["at"],
                each["at"] + each.get("seconds", 0.0),
                frozenset({each["pid"]}),
                lingers=self.lingers,
            )
            for each in new
        ]


class HeldInterpreter(HostileTasks):
    """A task that lets no other thread of its process run, for half a minute."""

    name = "held-interpreter"
    tasks = "frozen"
    what = "frozen"


class PoolerCrash(Fault):
    """PgBouncer in transaction mode between all and the server, which dies."""

    name = "pooler-crash"
    vendors = ("postgresql",)
    through: ClassVar[str] = "pooler"
    lasts = (0.0, 2.0)
    lingers = 5.0
    is_total = True

    def strike(self, scene: Scene) -> None:
        assert scene.pooler is not None
        scene.pooler.crash()

    def heal(self, scene: Scene) -> None:
        assert scene.pooler is not None
        scene.pooler.start()


class PooledCut(Cut):
    """The server cuts sessions that the pooler shares among many."""

    name = "pooler-cut"
    vendors = ("postgresql",)
    through: ClassVar[str] = "pooler"
