"""Faults of the network between the database and everybody else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .base import SERVERS, Fault

if TYPE_CHECKING:
    from ..proxy import Network, Proxy
    from ..scene import Scene


class _OnTheWay(Fault):
    vendors = SERVERS
    through = "proxy"
    lingers = 5.0

    def network(self, scene: Scene) -> Network:
        assert scene.network is not None
        return scene.network


class Reset(_OnTheWay):
    name = "net-cut"
    lasts = (0.0, 3.0)

    def strike(self, scene: Scene) -> None:
        network = self.network(scene)
        network.set_mode(scene.chance.choice(["refused", "through"]))
        network.cut(scene.chance.choice([0.3, 1.0]))

    def heal(self, scene: Scene) -> None:
        self.network(scene).set_mode("through")


class HalfOpen(_OnTheWay):
    """Connections that are dead, of which nobody is told for a while."""

    name = "net-half-open"
    lasts = (6.0, 9.0)
    lingers = 10.0

    def strike(self, scene: Scene) -> None:
        self.network(scene).deafen(scene.chance.choice([0.3, 1.0]))

    def heal(self, scene: Scene) -> None:
        self.network(scene).bury_deaf()


class Stalled(_OnTheWay):
    """Nothing comes through, and then everything."""

    name = "net-stalled"
    lasts = (1.0, 8.0)
    lingers = 10.0
    mode = "stalled"

    def strike(self, scene: Scene) -> frozenset[int] | None:
        self.network(scene).set_mode(self.mode)
        return None

    def heal(self, scene: Scene) -> None:
        self.network(scene).set_mode("through")


class Slow(Stalled):
    """It takes longer. That is no reason to run anything again."""

    name = "net-slow"
    lasts = (1.0, 4.0)
    mode = "slow"

    def strike(self, scene: Scene) -> frozenset[int]:
        super().strike(scene)
        return frozenset()


class Trickle(Slow):
    name = "net-trickle"
    mode = "trickle"


class CablePulled(_OnTheWay):
    """The cable of one host is pulled, and plugged in when its jobs are others'."""

    name = "net-cable"
    lasts = (6.0, 9.0)
    # What was not acknowledged is sent again after ever longer pauses.
    lingers = 20.0

    def prepare(self, scene: Scene) -> None:
        scene.lead_through_cables()

    def strike(self, scene: Scene) -> frozenset[int]:
        scene.refill()
        scene.learn()
        team = scene.chance.choice(scene.teams)
        self.cable = scene.cables[team.pid]
        self.cable.pull()
        return scene.family(team.pid)

    def heal(self, scene: Scene) -> None:
        self.cable.plug_in()


class Partition(_OnTheWay):
    """One host is cut off until its jobs are others', and comes back with its ends."""

    name = "net-partition"
    lasts = (6.0, 9.0)
    lingers = 10.0

    def __init__(self) -> None:
        self.way: Proxy | None = None
        self.is_dropped = False

    def strike(self, scene: Scene) -> frozenset[int]:
        scene.refill()
        scene.learn()
        team = scene.chance.choice(scene.teams)
        self.way = scene.ways[team.pid]
        self.way.mode = "stalled"
        # What is on the way arrives in the end, or never does.
        self.is_dropped = scene.chance.random() < 0.5
        return scene.family(team.pid)

    def heal(self, scene: Scene) -> None:
        assert self.way is not None
        if self.is_dropped:
            self.way.cut()
        self.way.mode = "through"
