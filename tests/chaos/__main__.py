"""Harm it, and see whether a promise was broken.

    python -m tests.chaos [--vendor V] [--fault F] [--jobs N] [--seed S] [--short]

For each vendor, the trials are held to their bars, each fault runs alone, and then all
of them mixed; ``--short`` runs a mix and a trial. What is printed holds the seed
and each blow: the same seed gives the same load and the same blows, though the machine
decides what they hit.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
from math import inf
from pathlib import Path

import django

from .report import Row, verdict

VENDORS = ("sqlite", "postgresql", "mariadb")


def main(arguments: list[str]) -> int:
    parser = _parser()
    options = parser.parse_args(arguments)
    options.seed = options.seed or random.randrange(1, 10**6)
    if options.list:
        os.environ["DJANGO_SETTINGS_MODULE"] = "tests.chaos.settings"
        os.environ["BGTASKS_TEST_DATABASE_URL"] = "sqlite://:memory:"
        django.setup()
        from .faults import FAULTS
        from .trials import TRIALS

        for name, fault in {**TRIALS, **FAULTS}.items():
            story = (fault.__doc__ or "").partition("\n")[0]
            sys.stdout.write(f"{name:<19} {', '.join(fault.vendors)}  {story}\n")
        return 0
    if options.child:
        from .stage import perform_all

        return perform_all(options)
    directory = options.directory or Path(tempfile.mkdtemp(prefix="bgtasks-chaos-"))
    if directory.exists() and any(directory.iterdir()):
        parser.error(f"--directory {directory} holds the journals of another run")
    rows: list[Row] = []
    for vendor in options.vendor or VENDORS:
        kept = directory / vendor
        kept.mkdir(parents=True, exist_ok=True)
        code = _run_vendor(vendor, kept, arguments, options.seed)
        found = Row.load(kept / "rows.jsonl")
        if code and not any(row.problems for row in found):
            found.append(Row(vendor, "-", problems=[f"ended with exit code {code}"]))
        rows += found
    sys.stdout.write(verdict(rows, options.seed, directory))
    return int(any(row.problems for row in rows))


def _run_vendor(vendor: str, kept: Path, arguments: list[str], seed: int) -> int:
    """Run a vendor in a process of its own: Django has one database there."""
    command = [sys.executable, "-m", "tests.chaos", *arguments, "--child", vendor]
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.chaos.settings",
        "BGTASKS_TEST_VENDOR": vendor,
        "PYTHONHASHSEED": "0",
    }
    more = ["--seed", str(seed), "--directory", str(kept)]
    child = subprocess.Popen([*command, *more], env=environment)
    # It has servers to stop and to delete.
    signal.signal(signal.SIGTERM, lambda *_: child.terminate())
    return abs(child.wait())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos")
    add = parser.add_argument
    add("--vendor", action="append", choices=VENDORS, help="All, by default.")
    add("--fault", action="append", help="By name; or none, mix, mix-pooled.")
    add("--jobs", type=int, help="Enqueued by the callers, in each run.")
    add("--seconds", type=float, default=inf, help="End the load after so many.")
    add("--rate", type=float, default=25.0, help="Jobs that they enqueue a second.")
    add("--every", type=float, default=1.0, help="Seconds between two blows.")
    add("--seed", type=int, help="Of the load and the faults; drawn by default.")
    add("--through", default="", choices=["proxy", "pooler"], help="The way.")
    add("--sabotage", default="", help="Break the product on purpose.")
    add("--tasks", default="", help="By comma; the load is of these alone.")
    add("--short", action="store_true", help="A mix and a trial.")
    add("--untimed", action="store_true", help="Hold no time to its bar.")
    add("--list", action="store_true", help="Name the faults.")
    add("--directory", type=Path, help="Where journals and logs are kept.")
    add("--child", help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
