"""Whether a series of samples grows. Pure.

A series is cut into pieces of equal length, and each piece stands for itself by its
median, so that what happens now and then does not count. The growth is the median of
the slopes between all pairs of pieces (Theil and Sen), over the whole time that is
judged: up to a quarter of the pieces may lie anywhere without changing it much.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import inf
from statistics import median

Point = tuple[float, float]
_PIECES = 50
# Fewer say nothing of a slope.
_LEAST_PIECES = 6


@dataclass(frozen=True)
class Bar:
    """What may grow: by less than a share of where it began, or by less than ``floor``.

    The floor is for what is counted in few: one thread more is no leak of threads.
    """

    share: float
    floor: float = 0.0

    def holds(self, trend: Trend) -> bool:
        if trend.change < self.floor or trend.change <= 0:
            return True
        return trend.share < self.share


@dataclass(frozen=True)
class Trend:
    first: float
    last: float

    @property
    def change(self) -> float:
        return self.last - self.first

    @property
    def share(self) -> float:
        if self.change <= 0:
            return self.change / self.first if self.first > 0 else 0.0
        return self.change / self.first if self.first > 0 else inf


@dataclass(frozen=True)
class Finding:
    """How a series went, or what else was found; ``text`` stands for a trend."""

    name: str
    unit: str
    held: bool
    trend: Trend | None = None
    bar: Bar | None = None
    text: str = ""


def trend_of(points: Sequence[Point]) -> Trend | None:
    """Return where the series began and ended; None if there is too little of it."""
    pieces = _pieces(points)
    if len(pieces) < _LEAST_PIECES:
        return None
    slope = median(
        (after[1] - before[1]) / (after[0] - before[0])
        for before, after in combinations(pieces, 2)
    )
    start, end = points[0][0], points[-1][0]
    level = median(value - slope * (at - start) for at, value in pieces)
    return Trend(level, level + slope * (end - start))


def _pieces(points: Sequence[Point]) -> list[Point]:
    if len(points) < 2:
        return []
    start, span = points[0][0], points[-1][0] - points[0][0]
    found: dict[int, list[Point]] = {}
    for point in points:
        place = min(int((point[0] - start) / span * _PIECES), _PIECES - 1)
        found.setdefault(place, []).append(point)
    return [
        (median(at for at, _ in some), median(value for _, value in some))
        for some in found.values()
    ]


def undisturbed(
    points: Sequence[Point], busy: Sequence[Point], piece: float, most: float
) -> list[Point]:
    """Leave out the points around which a machine was busier than ``most`` (0 to 1).

    How long a job waits for a processor that others have is not the queue's doing.
    """
    found = []
    for at, value in points:
        near = [share for when, share in busy if abs(when - at) <= piece / 2]
        if near and median(near) <= most:
            found.append((at, value))
    return found


def judge(
    series: Mapping[str, Sequence[Point]],
    bars: Mapping[str, tuple[str, Bar]],
    since: float,
) -> list[Finding]:
    """Judge each series from ``since`` on, by the bar of its kind.

    The name of a series begins with its kind and a colon. One that is too short is
    no proof of anything, so it does not hold; one of zeros alone is left out.
    """
    findings = []
    for name, points in series.items():
        unit, bar = bars[name.partition(":")[0]]
        later = [point for point in points if point[0] >= since]
        if not any(value for _, value in later) and later:
            continue
        trend = trend_of(later)
        if trend is None:
            text = f"{len(later)} samples are too few"
            findings.append(Finding(name, unit, False, text=text))
        else:
            findings.append(Finding(name, unit, bar.holds(trend), trend, bar))
    return findings
