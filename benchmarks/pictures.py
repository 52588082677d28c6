"""Pictures of figures, for the documentation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_SIZE = (8.0, 3.6)
_DPI = 110


def bars(
    path: Path,
    title: str,
    unit: str,
    labels: Sequence[str],
    series: Mapping[str, Sequence[float]],
) -> None:
    """Draw groups of bars, one group for each label."""
    figure, axes = _axes(title)
    width = 0.8 / len(series)
    for number, (name, values) in enumerate(series.items()):
        places = [place + number * width for place in range(len(labels))]
        drawn = axes.bar(places, values, width, label=name)
        axes.bar_label(drawn, fmt="%.3g", fontsize=7)
    middle = 0.4 - width / 2
    axes.set_xticks([place + middle for place in range(len(labels))], labels)
    axes.set_ylabel(unit)
    _save(figure, axes, path, series)


def lines(
    path: Path,
    title: str,
    unit: str,
    along: tuple[str, Sequence[float]],
    series: Mapping[str, Sequence[float]],
    *,
    logarithmic: bool = False,
) -> None:
    """Draw a line for each of the series, over the values of ``along``."""
    figure, axes = _axes(title)
    name, places = along
    for label, values in series.items():
        axes.plot(places, values, marker="o", markersize=3, label=label)
    if logarithmic:
        axes.set_xscale("log")
        axes.set_xticks(places, [f"{place:,g}" for place in places])
    axes.set_xlabel(name)
    axes.set_ylabel(unit)
    axes.set_ylim(bottom=0)
    _save(figure, axes, path, series)


def _axes(title: str) -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=_SIZE, dpi=_DPI, layout="constrained")
    axes = figure.subplots()
    axes.set_title(title, fontsize=10)
    axes.grid(axis="y", alpha=0.3)
    return figure, axes


def _save(figure: Any, axes: Any, path: Path, series: Mapping[str, Any]) -> None:
    if len(series) > 1:
        axes.legend(fontsize=8)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Software": None})
