"""What a part returns, and what many samples of it come to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of one sample."""

    name: str
    value: float
    unit: str


@dataclass(frozen=True, slots=True)
class Summary:
    """A figure over all rounds."""

    name: str
    unit: str
    middle: float
    least: float
    most: float

    @classmethod
    def of(cls, figures: Sequence[Figure]) -> Summary:
        values = [figure.value for figure in figures]
        first = figures[0]
        return cls(first.name, first.unit, median(values), min(values), max(values))


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that ``share`` of the values do not exceed."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


def calls(prefix: str, seconds: Sequence[float]) -> list[Figure]:
    """Say how long calls took that were made one after another."""
    return [
        Figure(f"{prefix} p50", percentile(seconds, 0.50) * 1e6, "us"),
        Figure(f"{prefix} p99", percentile(seconds, 0.99) * 1e6, "us"),
        Figure(f"{prefix} rate", len(seconds) / sum(seconds), "/s"),
    ]


def delays(prefix: str, seconds: Sequence[float]) -> list[Figure]:
    """Say how long something was waited for."""
    return [
        Figure(f"{prefix} p{share}", percentile(seconds, share / 100) * 1e3, "ms")
        for share in (50, 95, 99)
    ]
