"""Pictures of figures, for the documentation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

_SIZE = (8.0, 3.6)


class Panel(NamedTuple):
    """One of the charts of a picture: its unit, and its lines."""

    unit: str
    series: Mapping[str, Sequence[float]]


def bars(
    path: Path, unit: str, labels: Sequence[str], series: Mapping[str, Sequence[float]]
) -> None:
    """Draw groups of bars, one group for each label."""
    figure, ((axes,),) = panels(_SIZE, 1, 1)
    width = 0.8 / len(series)
    for number, (name, values) in enumerate(series.items()):
        places = [place + number * width for place in range(len(labels))]
        drawn = axes.bar(places, values, width, label=name)
        axes.bar_label(drawn, fmt="%.3g", fontsize=7)
    middle = 0.4 - width / 2
    axes.set_xticks([place + middle for place in range(len(labels))], labels)
    _finish(axes, unit)
    save(figure, path)


def lines(
    path: Path,
    along: str,
    places: Sequence[float],
    charts: Sequence[Panel],
    *,
    logarithmic: bool = False,
) -> None:
    """Draw panels side by side, each with its lines over the same places."""
    figure, (row,) = panels(_SIZE, 1, len(charts))
    for axes, (unit, series) in zip(row, charts, strict=True):
        for label, values in series.items():
            axes.plot(places, values, marker="o", markersize=3, label=label)
        if logarithmic:
            axes.set_xscale("log")
            axes.set_xticks(places, [f"{place:,g}" for place in places])
            axes.minorticks_off()
        axes.set_xlabel(along)
        _finish(axes, unit)
    save(figure, path)


def panels(
    size: tuple[float, float], rows: int, columns: int, **how: Any
) -> tuple[Any, Any]:
    """Return a new picture and the rows of its panels."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False, **how)


def save(figure: Any, path: Path) -> None:
    """Write a picture as SVG: the same figures give the same file."""
    from matplotlib import rc_context

    path.parent.mkdir(parents=True, exist_ok=True)
    # Without a fixed salt the names within it are random.
    with rc_context({"svg.hashsalt": path.stem}):
        figure.savefig(path, format="svg", metadata={"Date": None})


def _finish(axes: Any, unit: str) -> None:
    axes.set_ylabel(unit)
    axes.margins(y=0.15)
    axes.set_ylim(bottom=0)
    axes.grid(axis="y", alpha=0.3)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    # Above the lines, where it covers none.
    above = {"loc": "lower left", "bbox_to_anchor": (0, 1)}
    axes.legend(fontsize=8, ncols=2, frameon=False, **above)
