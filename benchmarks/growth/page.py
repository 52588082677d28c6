"""What growth has cost, in Markdown: tables, and the section of the documentation."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from .. import databases, report
from . import draw
from .draw import Samples
from .plan import PARTS

_TITLES = {
    "sizes": "Many jobs",
    "queues": "Many queues",
    "snapshot": "A snapshot held open",
    "enqueuers": "Many who enqueue",
    "workers": "Many worker processes",
}


class _Rule(NamedTuple):
    """What a figure is at most; or how many times as much as it is elsewhere."""

    figure: str
    place: str
    bound: float
    against: str | None = None


_RULES = {
    "sizes": [
        _Rule(
            f"claim and finish {count}, p50",
            "10 million waiting",
            1.2,
            "1 thousand waiting",
        )
        for count in (100, 1)
    ],
    "snapshot": [
        _Rule("end against start", "held", 1.3),
        _Rule("longest wait with it", "held", 50.0),
    ],
}


def section(reports: Sequence[dict[str, Any]]) -> str:
    """Return what these reports say: a heading for each part, with its pictures."""
    found = []
    for part, title in _TITLES.items():
        texts = [_told(reports, part, vendor) for vendor in databases.VENDORS]
        if any(texts):
            found.append("\n\n".join([f"### {title}", *filter(None, texts)]))
    return "\n\n".join(found)


def pictures(reports: Sequence[dict[str, Any]], directory: Path) -> None:
    """Draw what the section refers to."""
    for part in _TITLES:
        for vendor in databases.VENDORS:
            if samples := _merged(reports, part, vendor):
                draw.picture(part, samples, directory / _picture(part, vendor))


def _told(reports: Sequence[dict[str, Any]], part: str, vendor: str) -> str:
    samples = _merged(reports, part, vendor)
    if not samples:
        return ""
    told = [_conditions(reports[-1]["machine"], samples)]
    name = _picture(part, vendor)
    told.append(f"```{{image}} _static/{name}\n:alt: {PARTS[part]}\n```")
    told.append(table(samples))
    told += [_judged(rule, samples) for rule in _RULES.get(part, [])]
    return "\n\n".join(filter(None, told))


def _picture(part: str, vendor: str) -> str:
    return f"growth-{part}{'' if vendor == 'postgresql' else f'-{vendor}'}.svg"


def _merged(reports: Sequence[dict[str, Any]], part: str, vendor: str) -> Samples:
    """Return the samples of all reports as if they were those of one."""
    samples: Samples = {}
    for each in reports:
        if each["vendor"] == vendor:
            for label, some in each["growth"].get(part, {}).items():
                samples.setdefault(label, []).extend(some)
    return {label: some for label, some in samples.items() if some}


def table(samples: Samples) -> str:
    """Return a line for each figure: the median of the samples of each place."""
    lines = [f"| | {' | '.join(samples)} |", f"|---{'|---' * len(samples)}|"]
    first = next(iter(samples.values()))[0]["figures"]
    for figure in first:
        values = [draw.middle(some, figure["name"]) for some in samples.values()]
        cells = [report.amount(value, figure["unit"]) for value in values]
        lines.append(f"| {figure['name']} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _judged(rule: _Rule, samples: Samples) -> str:
    if rule.place not in samples or (rule.against or rule.place) not in samples:
        return ""
    value = draw.middle(samples[rule.place], rule.figure)
    told, times = f"{rule.figure}, {rule.place}", ""
    if rule.against is not None:
        value /= draw.middle(samples[rule.against], rule.figure)
        told, times = f"{told} against {rule.against}", " x"
    held = "held" if value <= rule.bound else "**not held**"
    return f"The bar, {told}: {value:.3g}{times} <= {rule.bound:g}{times}: {held}."


def _conditions(machine: dict[str, str], samples: Samples) -> str:
    every = [sample for some in samples.values() for sample in some]
    counts = sorted({len(some) for some in samples.values()})
    rounds = " to ".join(map(str, dict.fromkeys((counts[0], counts[-1]))))
    foreign = [each["foreign_cores"] for each in every]
    return (
        f"{report.facts(every[-1]['server'])}; {report.facts(machine)}. Medians; "
        f"samples of each: {rounds}. Others kept at most {max(foreign):.2f} of a core "
        f"busy, {sum(foreign) / len(foreign):.2f} on average."
    )
