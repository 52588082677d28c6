"""How long the admin's pages take, with tables as they are after a busy month.

``python -m benchmarks admin`` seeds a database of its own, asks for each page as a
browser would, and prints the server's time and the number of statements.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

from . import databases

# Finished and waiting jobs, and the most milliseconds that a page may take.
_SIZES = {"postgresql": (10_000_000, 1_000_000)}
_SIZE = (900_000, 100_000)


def main(arguments: list[str]) -> int:
    """Measure on each vendor that is here; return 1 if a page misses its bar."""
    chosen = _parse(arguments)
    failed = False
    for vendor in chosen.vendors or ("postgresql", "mariadb", "sqlite"):
        finished, waiting = _SIZES.get(vendor, _SIZE)
        sizes = [
            finished if chosen.finished is None else chosen.finished,
            waiting if chosen.waiting is None else chosen.waiting,
        ]
        try:
            with databases.made(vendor) as url:
                failed = _measure(vendor, url, sizes) or failed
        except databases.Unavailable as reason:
            print(f"{vendor} is left out: {reason}", file=sys.stderr)
            failed = failed or bool(chosen.vendors)
    return int(failed)


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks admin", description=__doc__
    )
    add = parser.add_argument
    add("--vendor", action="append", choices=databases.VENDORS, dest="vendors")
    add("--finished", type=int, help="Finished jobs (10 million; others: 900,000).")
    add("--waiting", type=int, help="Waiting jobs (1 million; others: 100,000).")
    return parser.parse_args(arguments)


def _measure(vendor: str, url: str, sizes: list[int]) -> bool:
    root = Path(__file__).parent.parent
    path = [str(root), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "benchmarks.admin_settings",
        "BGTASKS_BENCH_DATABASE_URL": url,
        "PYTHONPATH": os.pathsep.join(path),
    }
    command = [sys.executable, "-m", "benchmarks.pages", vendor, *map(str, sizes)]
    return subprocess.run(command, env=environment, check=False).returncode != 0
