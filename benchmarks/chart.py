"""Pictures of how queues compare, one bar for each."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from . import pictures
from .bar import OURS, Found

# Figure, what it shows, whether more of it is better, and the scale.
_CHARTS = (
    ("drain 2x1 seen", "No-op jobs per second, on two cores", True, "linear"),
    ("enqueue p50", "Enqueue one: microseconds, median", False, "linear"),
    (
        "latency p50",
        "Enqueue to start: milliseconds, median, on a logarithmic scale",
        False,
        "log",
    ),
)
_OURS, _OTHERS = "#0c4b33", "#9bb8ac"


def draw(path: Path, found: Found, vendor: str, titles: Mapping[str, str]) -> None:
    """Draw the charts below each other into a file."""
    charts = [
        (_bars(found, vendor, name, more), title, scale)
        for name, title, more, scale in _CHARTS
    ]
    rows = [max(len(bars), 1) for bars, *_ in charts]
    size = (8, 0.3 * sum(rows) + 2)
    figure, places = pictures.panels(size, len(charts), 1, height_ratios=rows)
    for (bars, title, scale), (axes,) in zip(charts, places, strict=True):
        names = [titles.get(subject, subject) for subject, _ in bars]
        colours = [_OURS if subject == OURS else _OTHERS for subject, _ in bars]
        drawn = axes.barh(names, [value for _, value in bars], color=colours)
        axes.bar_label(drawn, fmt=_label, padding=3, fontsize=8)
        axes.set_xscale(scale)
        axes.set_title(title, loc="left", fontsize=10)
        axes.tick_params(labelsize=8)
        axes.xaxis.set_visible(False)
        axes.margins(x=0.12)
        axes.spines[["top", "right", "bottom"]].set_visible(False)
    pictures.save(figure, path)


def _bars(found: Found, vendor: str, name: str, more: bool) -> list[tuple[str, float]]:
    """Return subjects and values, the best last: that is drawn on top."""
    bars = [
        (key[1], summary.middle)
        for key, summary in found.items()
        if (key[0], key[2]) == (vendor, name)
    ]
    return sorted(bars, key=lambda bar: bar[1], reverse=not more)


def _label(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
