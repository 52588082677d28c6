"""How long, on what, and how much."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Plan:
    vendor: str
    minutes: float
    rate: float
    seed: int
    sabotage: str = ""

    @property
    def seconds(self) -> float:
        return self.minutes * 60

    @property
    def retention(self) -> float:
        """Short enough that pruning is in balance long before the end.

        Yet what has ended must be seen before it is pruned.
        """
        return max(self.seconds / 12, 30.0)

    @property
    def warm_up(self) -> float:
        """From when on it is judged: ten minutes of an hour."""
        return min(600.0, self.seconds * 0.3)
