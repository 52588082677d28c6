"""A figure that is held to a bar."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """What was measured; ``bar`` is the most that it may be."""

    name: str
    value: float
    bar: float
    unit: str = "s"

    @property
    def is_held(self) -> bool:
        return self.value <= self.bar

    @property
    def is_time(self) -> bool:
        return self.unit == "s"

    def __str__(self) -> str:
        digits = 2 if self.is_time else 0
        unit = f" {self.unit}"
        return f"{self.value:.{digits}f}{unit}, the bar {self.bar:g}{unit}"
