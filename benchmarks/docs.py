"""`python -m benchmarks docs`: put results that were saved into the documentation."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from . import chart, report
from .bar import OURS
from .growth import page as growth
from .peers.catalogue import PEERS

_PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"
_PICTURE = "_static/benchmarks.svg"
TITLES = {
    OURS: "**django-bgtasks**",
    **{each.name: each.title for each in PEERS.values()},
}
_PLAIN = {name: title.strip("*") for name, title in TITLES.items()}
_HEADINGS = {"postgresql": "PostgreSQL", "mariadb": "MariaDB", "sqlite": "SQLite"}


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks docs", description=__doc__
    )
    parser.add_argument("files", nargs="+", type=Path, help="Results, as JSON.")
    parser.add_argument("--page", type=Path, default=_PAGE, help="The page to renew.")
    parser.add_argument(
        "--foreign",
        type=float,
        default=float("inf"),
        help="Leave samples out during which others kept more cores busy than this.",
    )
    chosen = parser.parse_args(arguments)
    told = [json.loads(file.read_text()) for file in chosen.files]
    text = chosen.page.read_text()
    if grown := [each for each in told if "growth" in each]:
        _leave_out(grown, chosen.foreign)
        text = renewed(text, "growth", growth.section(grown))
        growth.pictures(grown, chosen.page.parent / "_static")
    if reports := [each for each in told if "growth" not in each]:
        text = _compared(text, reports, chosen)
    chosen.page.write_text(text)
    return 0


def _leave_out(grown: Sequence[dict[str, Any]], foreign: float) -> None:
    """Remove samples that others disturbed more than this."""
    for places in (part for each in grown for part in each["growth"].values()):
        for label, samples in places.items():
            places[label] = [
                each for each in samples if each["foreign_cores"] <= foreign
            ]


def _compared(
    page: str, reports: Sequence[dict[str, Any]], chosen: argparse.Namespace
) -> str:
    """Return the page with what these reports say, and draw the picture of it."""
    for result in (each for told in reports for each in told["results"]):
        result["samples"] = [
            sample
            for sample in result["samples"]
            if sample["foreign_cores"] <= chosen.foreign
        ]
    page = renewed(page, "figures", figures(reports))
    page = renewed(page, "peers", configurations(reports))
    results = [result for each in reports for result in each["results"]]
    found = report.found_in(results)
    chart.draw(chosen.page.parent / _PICTURE, found, "postgresql", _PLAIN)
    return page


def renewed(page: str, name: str, text: str) -> str:
    """Return the page with what lies between the marks of this name replaced.

    Raise ValueError if it has no such marks.
    """
    begin, end = (
        f"<!-- {name}: made by python -m benchmarks docs -->",
        f"<!-- /{name} -->",
    )
    pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    if not pattern.search(page):
        raise ValueError(f"The page lacks {begin} and {end}.")
    return pattern.sub(lambda _: f"{begin}\n\n{text}\n\n{end}", page)


def figures(reports: Sequence[dict[str, Any]]) -> str:
    """Return the bar, a table for each vendor and the versions, in Markdown."""
    results = [result for each in reports for result in each["results"]]
    found = report.found_in(results)
    machine = ", ".join(
        f"{key} {value}" for key, value in reports[0]["machine"].items()
    )
    parts = [
        f"{machine}. {_rounds(results)}",
        f"```{{image}} {_PICTURE}\n:alt: Queues beside each other\n```",
        f"### The bar\n\n{report.judgements(results)}",
    ]
    for vendor in dict.fromkeys(result["vendor"] for result in results):
        heading = _HEADINGS.get(vendor, vendor)
        versions: dict[str, str] = {}
        for result in results:
            if result["vendor"] == vendor:
                versions |= result["versions"]
        compared = report.comparison(found, vendor, TITLES)
        if limits := report.limits(found, vendor):
            compared = f"{compared}\n\n{limits}"
        parts.append(f"### {heading}\n\n{compared}\n\n{report.facts(versions)}.")
    return "\n\n".join(parts)


def configurations(reports: Sequence[dict[str, Any]]) -> str:
    """Return how each of the queues that were measured was run, as a list."""
    measured = {
        sample["subject"]
        for each in reports
        for result in each["results"]
        for sample in result["samples"]
    }
    return "\n".join(
        f"- **{peer.title}**: {peer.about}. {peer.jobs:,} jobs are drained."
        for peer in PEERS.values()
        if peer.name in measured
    )


def _rounds(results: Sequence[dict[str, Any]]) -> str:
    foreign = [
        each["foreign_cores"] for result in results for each in result["samples"]
    ]
    return (
        f"Medians. Others kept at most {max(foreign):.2f} of a core busy, "
        f"{sum(foreign) / len(foreign):.2f} on average."
    )
