"""A picture of what was sampled, for the documentation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .judge import Point

# Title, unit, and the kinds of series that are in it.
_PANELS = (
    ("Private memory of each process, MB", ("memory",)),
    ("Enqueue to start, ms: half of the jobs, 99 %", ("wait p50", "wait p99")),
    ("All tables with their indexes, MB", ("tables",)),
    ("Rows", ("rows",)),
    ("Dead rows", ("dead",)),
    ("Connections of each process", ("connections",)),
    ("File descriptors", ("descriptors",)),
    ("Threads", ("threads",)),
)
_MOST_LINES = 6


def draw(
    path: Path, title: str, series: Mapping[str, Sequence[Point]], warm_up: float
) -> None:
    """Draw what there is, one panel for each kind, over minutes."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 9), layout="constrained")
    figure.suptitle(title, fontsize=10)
    for axes, (name, kinds) in zip(figure.subplots(4, 2).flat, _PANELS, strict=True):
        lines = _largest(series, kinds)
        for label, points in lines:
            minutes = [at / 60 for at, _ in points]
            axes.plot(minutes, [value for _, value in points], lw=1, label=label)
        axes.axvspan(0, warm_up / 60, color="0.93", lw=0)
        axes.set_title(name, loc="left", fontsize=8)
        axes.tick_params(labelsize=7)
        if kinds[0].startswith("wait"):
            axes.set_yscale("log")
        else:
            axes.set_ylim(bottom=0)
        axes.spines[["top", "right"]].set_visible(False)
        if len(lines) > 1:
            axes.legend(fontsize=6, ncols=2, frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None})


def _largest(
    series: Mapping[str, Sequence[Point]], kinds: Sequence[str]
) -> list[tuple[str, Sequence[Point]]]:
    found: list[Any] = []
    for name, points in series.items():
        kind, _, rest = name.partition(": ")
        if kind in kinds and any(value for _, value in points):
            found.append((rest if len(kinds) == 1 else kind, points))
    found.sort(key=lambda line: -max(value for _, value in line[1]))
    return found[:_MOST_LINES]
