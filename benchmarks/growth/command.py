"""What a job costs while the work grows, on databases filled by the million.

For PostgreSQL a server with the settings it comes with is started for the run. What
takes too long for one run is divided: "serve" starts such a server and keeps it,
"fill" fills its databases, and the parts are measured in them one by one, with
--server and --keep.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .. import databases, machine, report
from . import page
from .plan import PARTS, SIZES, STEPS
from .stage import Stage, address, environment

_HERE = Path(__file__).parent.parent
_WORDS = {"serve": "start a server and keep it", "fill": "only fill the databases"}
_UNFINISHED = 75


def main(arguments: list[str]) -> int:
    """Measure, print a table, and write JSON."""
    chosen = _parse(arguments)
    if "serve" in chosen.parts:
        return _serve()
    with Stage(chosen.vendor, chosen.server, keep=chosen.keep) as stage:
        if "fill" in chosen.parts:
            return _fill(stage, chosen)
        parts = chosen.parts or list(PARTS)
        if chosen.vendor != "postgresql":
            parts = ["sizes"]
        found = {part: _measure(stage, part, chosen) for part in parts}
    moment = datetime.now(UTC)
    place = chosen.json or _HERE / "results" / f"growth-{moment:%Y%m%d-%H%M%S}.json"
    told = {"at": moment.isoformat(), "machine": machine.describe()}
    report.save(place, {**told, "vendor": chosen.vendor, "growth": found})
    for part, samples in found.items():
        print(f"\n{part}: {PARTS[part]}\n\n{page.table(samples)}")
    print(f"\nAll samples: {place}")
    return 0


def _parse(arguments: list[str]) -> argparse.Namespace:
    words = {**_WORDS, **PARTS}
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks growth",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="parts:\n" + "".join(f"  {k:10} {v}\n" for k, v in words.items()),
    )
    add = parser.add_argument
    add("parts", nargs="*", metavar="part", choices=[[], *words])
    add("--vendor", choices=databases.VENDORS, default="postgresql")
    add("--sizes", nargs="+", choices=SIZES, help="Of the databases, only these.")
    add("--rounds", type=int, default=3, help="Samples of each (3).")
    add("--rate", type=int, default=2_000, help="Jobs per second under a snapshot.")
    add("--hold", type=int, default=120, help="Seconds that it is held (120).")
    add("--seconds", type=int, default=3_600, help="Fill for so long at most.")
    add("--server", metavar="URL", help="A PostgreSQL server that runs, instead.")
    add("--keep", action="store_true", help="Leave the databases for the next run.")
    add("--json", type=Path, metavar="FILE", help="Where the result goes.")
    chosen = parser.parse_args(arguments)
    if chosen.keep and chosen.vendor == "postgresql" and not chosen.server:
        parser.error("--keep needs --server: a server of the run's own is removed.")
    chosen.sizes = chosen.sizes or _sizes(chosen.vendor)
    return chosen


def _sizes(vendor: str) -> list[str]:
    return list(SIZES) if vendor == "postgresql" else ["1k", "1m"]


def _serve() -> int:
    """Run a server until this process is told to stop."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with databases.StockPostgreSQL() as server:
        print(address(server), flush=True)
        signal.pause()
    return 0


def _fill(stage: Stage, chosen: argparse.Namespace) -> int:
    for name in chosen.sizes:
        done = _sample(stage, name, "fill", chosen.seconds, *SIZES[name][1])
        if not done["figures"][0]["value"]:
            print(f"{name} is not full yet.", file=sys.stderr)
            return _UNFINISHED
    return 0


def _measure(stage: Stage, part: str, chosen: argparse.Namespace) -> dict[str, Any]:
    if part == "snapshot":
        return {"held": [_sample(stage, "load", part, chosen.rate, chosen.hold)]}
    places: dict[str, tuple[str, tuple[int, ...]]] = {}
    if part == "sizes":
        for name in chosen.sizes:
            label, counts = SIZES[name]
            _sample(stage, name, "fill", chosen.seconds, *counts)
            places[label] = name, ()
    else:
        places = {f"{count:,}": ("load", (count,)) for count in STEPS[part]}
    samples: dict[str, Any] = {label: [] for label in places}
    # Round after round, so that what else the machine does meets all alike.
    for _ in range(chosen.rounds):
        for label, (name, numbers) in places.items():
            samples[label].append(_sample(stage, name, part, *numbers))
    return samples


def _sample(stage: Stage, name: str, word: str, *arguments: int) -> dict[str, Any]:
    print(word, *arguments, name, file=sys.stderr, flush=True)
    with tempfile.NamedTemporaryFile("r", suffix=".json") as file:
        numbers = [str(number) for number in arguments]
        command = [sys.executable, "-m", "benchmarks.growth.run", file.name, word]
        surroundings = environment(stage.url(name), many_queues=word == "queues")
        subprocess.run(
            [*command, *numbers], env={**os.environ, **surroundings}, check=True
        )
        found: dict[str, Any] = json.loads(Path(file.name).read_text())
    return found
