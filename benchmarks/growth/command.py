"""What a job costs while the work grows, on databases filled by the million.

For PostgreSQL a server with the settings it comes with is started for the run.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .. import databases, machine, report
from . import draw
from .stage import Stage, environment

_HERE = Path(__file__).parent.parent
# Names of databases, with how many jobs wait, have finished, are deferred.
SIZES = {
    "1k": ("1 thousand\nwaiting", (1_000, 0, 0)),
    "1m": ("1 million\nwaiting", (1_000_000, 0, 0)),
    "10m": ("10 million\nwaiting", (10_000_000, 0, 0)),
    "fin": ("10 million\nfinished", (1_000, 10_000_000, 0)),
    "def": ("1 million\ndeferred", (1_000, 0, 1_000_000)),
}
# On the other databases.
_SMALL = ("1k", "1m")
PARTS = {
    "sizes": "a claim and an enqueue beside millions of other jobs",
    "queues": "1 to 1,000 queues",
    "snapshot": "a view of the past held open under a steady load",
    "enqueuers": "1 to 64 who enqueue at once",
    "workers": "1 to 16 worker processes",
}
_STEPS = {
    "queues": (1, 10, 100, 1_000),
    "enqueuers": (1, 8, 64),
    "workers": (1, 2, 4, 8, 16),
}


def main(arguments: list[str]) -> int:
    """Measure, print a table, and write JSON and pictures."""
    chosen = _parse(arguments)
    parts = chosen.parts or list(PARTS)
    if chosen.vendor != "postgresql":
        parts = ["sizes"]
    results: dict[str, Any] = {"machine": machine.describe(), "vendor": chosen.vendor}
    with Stage(chosen.vendor, chosen.server, keep=chosen.keep) as stage:
        for part in parts:
            results[part] = _measure(stage, part, chosen)
    moment = datetime.now(UTC)
    place = chosen.json or _HERE / "results" / f"growth-{moment:%Y%m%d-%H%M%S}.json"
    report.save(place, {"at": moment.isoformat(), **results})
    for part in parts:
        print(f"\n{part}: {PARTS[part]}")
        print(draw.table(results[part]))
        if chosen.vendor == "postgresql":
            draw.picture(part, results[part], chosen.pictures or place.parent)
    print(f"\nAll samples: {place}")
    return 0


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks growth",
        description=__doc__,
        epilog="parts: "
        + "; ".join(f"{name}: {about}" for name, about in PARTS.items()),
    )
    add = parser.add_argument
    add("parts", nargs="*", metavar="part", choices=[[], *PARTS])
    add("--vendor", choices=databases.VENDORS, default="postgresql")
    add("--rounds", type=int, default=3, help="Samples of each (3).")
    add("--rate", type=int, default=2_000, help="Jobs per second under a snapshot.")
    add("--hold", type=int, default=120, help="Seconds that it is held (120).")
    add("--server", metavar="URL", help="A PostgreSQL server that runs, instead.")
    add("--keep", action="store_true", help="Leave the databases on that server.")
    add("--json", type=Path, metavar="FILE", help="Where the result goes.")
    add("--pictures", type=Path, metavar="DIRECTORY", help="Where pictures go.")
    return parser.parse_args(arguments)


def _measure(stage: Stage, part: str, chosen: argparse.Namespace) -> dict[str, Any]:
    if part == "snapshot":
        url, _ = stage.database("load")
        return {"held": [_sample(url, part, chosen.rate, chosen.hold)]}
    places: dict[str, tuple[str, tuple[int, ...]]] = {}
    if part == "sizes":
        names = list(SIZES) if chosen.vendor == "postgresql" else _SMALL
        for name in names:
            label, counts = SIZES[name]
            url, new = stage.database(name)
            if new:
                _sample(url, "fill", *counts)
            places[label] = url, ()
    else:
        url, _ = stage.database("load")
        places = {f"{count:,}": (url, (count,)) for count in _STEPS[part]}
    samples: dict[str, Any] = {label: [] for label in places}
    # Round after round, so that what else the machine does meets all alike.
    for _ in range(chosen.rounds):
        for label, (url, numbers) in places.items():
            samples[label].append(_sample(url, part, *numbers))
    return samples


def _sample(url: str, word: str, *arguments: int) -> dict[str, Any]:
    print(word, *arguments, url.rpartition("/")[2], file=sys.stderr, flush=True)
    with tempfile.NamedTemporaryFile("r", suffix=".json") as file:
        numbers = [str(number) for number in arguments]
        command = [sys.executable, "-m", "benchmarks.growth.run", file.name, word]
        surroundings = environment(url, many_queues=word == "queues")
        subprocess.run([*command, *numbers], env=surroundings, check=True)
        found: dict[str, Any] = json.loads(Path(file.name).read_text())
    return found
