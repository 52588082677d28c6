"""The samples as a table and as pictures."""

from __future__ import annotations

from pathlib import Path
from statistics import median
from typing import Any

from .. import pictures


def table(samples: dict[str, Any]) -> str:
    """Return a line for each figure: of each place, the median of the rounds."""
    labels = [label.replace("\n", " ") for label in samples]
    lines = [" " * 46 + "".join(f"{label:>22}" for label in labels)]
    first = next(iter(samples.values()))[0]["figures"]
    for number, figure in enumerate(first):
        cells = "".join(f"{_middle(each, number):>22,.3g}" for each in samples.values())
        lines.append(f"{figure['name']:38} {figure['unit']:7}{cells}")
    return "\n".join(lines)


def picture(part: str, samples: dict[str, Any], directory: Path) -> None:
    """Draw what a part has shown into ``growth-<part>.png``."""
    path = directory / f"growth-{part}.png"
    if part == "snapshot":
        _snapshot(path, samples["held"][-1]["spans"])
        return
    if part == "sizes":
        _sizes(path, samples)
        return
    titles = {
        "queues": ("One worker process and many queues", "queues", "ms", (0, 1, 2)),
        "enqueuers": ("Enqueueing at once", "enqueuers", "ms", (1, 2)),
        "workers": ("Worker processes", "processes of one thread", "jobs/s", (0,)),
    }
    title, along, unit, numbers = titles[part]
    places = [float(label.replace(",", "")) for label in samples]
    series = {
        _name(samples, number): [_middle(each, number) for each in samples.values()]
        for number in numbers
    }
    pictures.lines(path, title, unit, (along, places), series, logarithmic=True)


def _sizes(path: Path, samples: dict[str, Any]) -> None:
    series = {
        name: [_middle(each, number) for each in samples.values()]
        for number, name in (
            (0, "claim and finish 100, p50"),
            (3, "claim and finish 1, p50"),
            (7, "enqueue, p50"),
        )
    }
    pictures.bars(path, "Beside so many other jobs", "ms", list(samples), series)


def _snapshot(path: Path, spans: list[dict[str, float]]) -> None:
    seconds = [span["second"] for span in spans]
    names = {"claim_p50": "claim p50", "claim_p99": "claim p99"}
    names |= {"wait_p50": "wait of a job, p50", "wait_p99": "wait of a job, p99"}
    series = {label: [span[name] for span in spans] for name, label in names.items()}
    title = "A snapshot held open from second 15"
    pictures.lines(path, title, "ms", ("seconds", seconds), series)


def _middle(samples: list[Any], number: int) -> float:
    return float(median(each["figures"][number]["value"] for each in samples))


def _name(samples: dict[str, Any], number: int) -> str:
    return str(next(iter(samples.values()))[0]["figures"][number]["name"])
