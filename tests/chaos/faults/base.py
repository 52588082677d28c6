"""What a fault is."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from ..ledger import Blow

if TYPE_CHECKING:
    from ..scene import Scene

EVERY = ("sqlite", "postgresql", "mariadb")
SERVERS = ("postgresql", "mariadb")


class Fault:
    """One way to do harm. ``strike`` does it, ``heal`` undoes it ``lasts`` later.

    What was hit are all processes, unless ``strike`` returns pids.
    """

    name: ClassVar[str]
    vendors: ClassVar[tuple[str, ...]] = EVERY
    # Seconds, at least and at most; at once by default.
    lasts: ClassVar[tuple[float, float]] = (0.0, 0.0)
    # What the way to the database must lead through: "proxy" or "pooler".
    through: ClassVar[str] = ""
    # Tasks that it adds to the load, by comma.
    tasks: ClassVar[str] = ""
    # How long after its end somebody may still stumble over it.
    lingers: ClassVar[float] = 1.0
    # Takes all the rest with it, so that nothing else can happen meanwhile.
    is_total: ClassVar[bool] = False

    def prepare(self, scene: Scene) -> None:
        """Set the scene up, before anybody is there. May raise Refused."""

    def strike(self, scene: Scene) -> frozenset[int] | None:
        raise NotImplementedError

    def heal(self, scene: Scene) -> None:
        pass

    def further(self, scene: Scene) -> list[Blow]:
        """Blows that it finds out about only afterwards."""
        return []
