"""The result as a table and as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from . import bar
from .figures import Figure, Summary

Samples = list[dict[str, Any]]
_LIMIT = "limit: "
# The figures by which subjects are compared, and their names in a table.
_COLUMNS = {
    "drain 2x1 seen": "drain, 2 processes",
    "drain 1x1 seen": "drain, 1 process",
    "enqueue p50": "enqueue, p50",
    "enqueue in transaction p50": "in a transaction, p50",
    "enqueue_many rate": "enqueue many",
    "latency p50": "latency, p50",
    "latency p99": "latency, p99",
    "1,000 coroutines seen": "1,000 coroutines of 50 ms",
    "1,000 in 50 threads seen": "1,000 in threads",
    "idle 2x1 CPU per 20 s": "idle, CPU in 20 s",
    "idle 2x1 transactions": "idle, transactions",
    "drain 2x1 RSS": "RSS",
    "drain 2x1 PSS": "PSS",
    "drain 2x1 WAL": "WAL, drained",
}


def table(result: dict[str, Any]) -> str:
    """Return one vendor's result, a line per figure: median (least - most)."""
    lines = [f"{result['vendor']}: {facts(result['versions'])}"]
    for (subject, _), samples in _groups(result["samples"]).items():
        summary = _summary(samples)
        spread = f"({_number(summary.least)} - {_number(summary.most)})"
        foreign = max(sample["foreign_cores"] for sample in samples)
        lines.append(
            f"  {subject:8} {summary.name:36} {_number(summary.middle):>9} "
            f"{summary.unit:6} {spread:24} foreign {foreign:.2f}"
        )
    return "\n".join(lines)


def judgements(results: Sequence[dict[str, Any]]) -> str:
    """Return what is asked of the figures, as a table in Markdown.

    Ours are set against others by those results only in which both were measured.
    """
    found = [found_in([result]) for result in results]
    lines = ["| Work | Ours | Bar | Against | Held |", "|---|---|---|---|---|"]
    for rule in bar.RULES:
        both = [
            result
            for result, there in zip(results, found, strict=True)
            if rule.needs <= there.keys()
        ]
        each = rule.judge(found_in(both))
        sign = "<=" if rule.at_most else ">="
        if rule.against is None:
            asked, ratio = f"{sign} {_number(rule.bound)} {each.unit}".strip(), ""
        else:
            asked = f"{sign} {rule.bound:g} x {rule.other}"
            ratio = "" if each.ratio is None else f"{each.ratio:.2f} x"
        ours = "" if each.value is None else amount(each.value, each.unit)
        verdict = {True: "yes", False: "**no**", None: "not measured"}[each.held]
        lines.append(f"| {rule.work} | {ours} | {asked} | {ratio} | {verdict} |")
    return "\n".join(lines)


def comparison(found: bar.Found, vendor: str, titles: Mapping[str, str]) -> str:
    """Return the subjects beside each other, as a table in Markdown.

    A subject is a line, by its drain; figures that nobody has are left out.
    """
    names = [
        (name, title)
        for name, title in _COLUMNS.items()
        if any(key[0] == vendor and key[2] == name for key in found)
    ]
    there = {key[1] for key in found if key[0] == vendor}

    def speed(subject: str) -> float:
        summary = found.get((vendor, subject, "drain 2x1 seen"))
        return summary.middle if summary else 0.0

    lines = [
        "| | " + " | ".join(title for _, title in names) + " |",
        "|---" * (len(names) + 1) + "|",
    ]
    for subject in sorted(there, key=speed, reverse=True):
        cells = [titles.get(subject, subject)]
        for name, _ in names:
            summary = found.get((vendor, subject, name))
            cells.append(amount(summary.middle, summary.unit) if summary else "")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def limits(found: bar.Found, vendor: str) -> str:
    """Return what the server gives at most, as a table in Markdown; "" for nothing."""
    lines = [
        f"| {name.removeprefix(_LIMIT)} | {amount(summary.middle, summary.unit)} |"
        for (where, _, name), summary in found.items()
        if where == vendor and name.startswith(_LIMIT)
    ]
    return "\n".join(["| Limit | |", "|---|---|", *lines]) if lines else ""


def found_in(results: Sequence[dict[str, Any]]) -> bar.Found:
    """Return what all results together come to, by vendor, subject and name."""
    samples: dict[str, Samples] = {}
    for result in results:
        samples.setdefault(result["vendor"], []).extend(result["samples"])
    return {
        (vendor, subject, name): _summary(group)
        for vendor, those in samples.items()
        for (subject, name), group in _groups(those).items()
    }


def amount(value: float, unit: str) -> str:
    """Return a value as a reader wants it, with its unit."""
    return f"{_number(value)}{'' if unit.startswith('/') else ' '}{unit}".strip()


def heading(machine: dict[str, str]) -> str:
    return (
        f"{facts(machine)}\n"
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


def facts(facts: dict[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in facts.items())


def _number(value: float) -> str:
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"
