"""The result as a table and as JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from .figures import Figure, Summary

Samples = list[dict[str, Any]]


def table(result: dict[str, Any]) -> str:
    """Return one vendor's result, a line per figure: median (least - most)."""
    lines = [f"{result['vendor']}: {_facts(result['versions'])}"]
    for (subject, _), samples in _groups(result["samples"]).items():
        summary = _summary(samples)
        spread = f"({_number(summary.least)} - {_number(summary.most)})"
        foreign = max(sample["foreign_cores"] for sample in samples)
        lines.append(
            f"  {subject:8} {summary.name:36} {_number(summary.middle):>9} "
            f"{summary.unit:6} {spread:24} foreign {foreign:.2f}"
        )
    return "\n".join(lines)


def heading(machine: dict[str, str]) -> str:
    return (
        f"{_facts(machine)}\n"
        "median (least - most) of the rounds; foreign: most CPU cores that others "
        "kept busy meanwhile\n"
    )


def save(path: Path, report: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report, indent=1) + "\n")


def _groups(samples: Samples) -> dict[tuple[str, str], Samples]:
    groups: dict[tuple[str, str], Samples] = {}
    for sample in samples:
        groups.setdefault((sample["subject"], sample["name"]), []).append(sample)
    return groups


def _summary(samples: Samples) -> Summary:
    return Summary.of(
        [Figure(each["name"], each["value"], each["unit"]) for each in samples]
    )


def _facts(facts: dict[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in facts.items())


def _number(value: float) -> str:
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"
