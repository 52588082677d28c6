"""Pictures of what growth has cost."""

from __future__ import annotations

from pathlib import Path
from statistics import median
from typing import Any

from .. import pictures
from ..pictures import Panel

# Samples of a part, by what was measured beside each other.
Samples = dict[str, list[dict[str, Any]]]
# Of a part: what is along the picture, and its panels with the figures in them.
_STEPS = {
    "queues": (
        "queues",
        {
            "ms": (
                "claim and finish 100, p50",
                "all queues full: each was served after",
                "all queues empty: one job found, p50",
            ),
        },
    ),
    "enqueuers": (
        "connections that enqueue",
        {"jobs/s": ("enqueued",), "ms": ("enqueue p50", "enqueue p99")},
    ),
    "workers": (
        "processes of one thread, on two cores",
        {"jobs/s": ("drained",), "us/job": ("CPU of the workers",)},
    ),
}
_SIZES = ("claim and finish 100, p50", "claim and finish 1, p50", "enqueue, p50")
_SPANS = {
    "claim_p50": "claim p50",
    "claim_p99": "claim p99",
    "wait_p50": "wait of a job, p50",
    "wait_p99": "wait of a job, p99",
}


def picture(part: str, samples: Samples, path: Path) -> None:
    """Draw what a part has shown into a file."""
    if part == "snapshot":
        _snapshot(path, samples["held"][-1]["spans"])
    elif part == "sizes":
        series = {name: _middles(samples, name) for name in _SIZES}
        labels = [_broken(label) for label in samples]
        pictures.bars(path, "ms", labels, series)
    else:
        along, units = _STEPS[part]
        places = [float(label.replace(",", "")) for label in samples]
        panels = [
            Panel(unit, {name: _middles(samples, name) for name in names})
            for unit, names in units.items()
        ]
        pictures.lines(path, along, places, panels, logarithmic=True)


def middle(some: list[dict[str, Any]], name: str) -> float:
    """Return the median of a figure."""
    figures = [figure for sample in some for figure in sample["figures"]]
    return float(median(each["value"] for each in figures if each["name"] == name))


def _snapshot(path: Path, spans: list[dict[str, float]]) -> None:
    seconds = [span["second"] for span in spans]
    series = {label: [span[name] for span in spans] for name, label in _SPANS.items()}
    along = "seconds; from second 15 on the snapshot is held"
    pictures.lines(path, along, seconds, [Panel("ms", series)])


def _middles(samples: Samples, name: str) -> list[float]:
    return [middle(some, name) for some in samples.values()]


def _broken(label: str) -> str:
    """Return a label in two lines, which stand below a bar."""
    count, _, state = label.rpartition(" ")
    return f"{count}\n{state}"
