"""Run the tests once for each database that is here.

    python -m tests [--plan] [vendor ...] [-- arguments of pytest ...]

Without vendors, all of them; one that is not here is left out, and the reason
is printed, unless it was asked for by name or by BGTASKS_REQUIRE.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from .databases import VENDORS, Unavailable, describe, required_vendors

_NOTHING_COLLECTED = 5
_COLOUR = re.compile(r"\x1b\[[\d;]*m")
# Such as "3 failed, 120 passed, 2 skipped in 41.20s".
_CLOSING = re.compile(r"(\d+ [a-z]+, )*(\d+ [a-z]+|no tests ran) in [\d.]+s")


@dataclass
class Run:
    vendor: str
    server: str = ""
    missing: str = ""
    code: int = 0
    closing: str = ""


def main(arguments: Sequence[str]) -> int:
    ours, theirs = list(arguments), []
    if "--" in ours:
        at = ours.index("--")
        ours, theirs = ours[:at], ours[at + 1 :]
    plan_only = "--plan" in ours
    asked = [name for name in ours if name != "--plan"]
    if unknown := set(asked) - set(VENDORS):
        return _refuse(f"{min(unknown)!r} is none of {', '.join(VENDORS)}.")
    try:
        required = {*asked, *required_vendors()}
    except ValueError as error:
        return _refuse(str(error))
    runs = [_look(vendor) for vendor in asked or VENDORS]
    _print_plan(runs, required)
    absent = [run.vendor for run in runs if run.missing and run.vendor in required]
    if absent:
        return _refuse(f"Required, but not here: {', '.join(absent)}.")
    if plan_only:
        return 0
    return _run_all([run for run in runs if not run.missing], runs, theirs)


def _look(vendor: str) -> Run:
    try:
        return Run(vendor, server=describe(vendor))
    except Unavailable as reason:
        return Run(vendor, missing=str(reason))


def _print_plan(runs: list[Run], required: set[str]) -> None:
    for run in runs:
        needed = " (required)" if run.missing and run.vendor in required else ""
        state = f"skipped{needed}: {run.missing}" if run.missing else run.server
        print(f"{run.vendor:<11} {state}", flush=True)


def _run_all(present: list[Run], runs: list[Run], arguments: list[str]) -> int:
    started = time.monotonic()
    for number, run in enumerate(present):
        print(f"\n== {run.vendor}: {run.server}", flush=True)
        _run_one(run, ["--skip-once", *arguments] if number else arguments)
    print(f"\n== all databases, {time.monotonic() - started:.0f} s")
    for run in runs:
        state = f"skipped: {run.missing}" if run.missing else run.closing
        print(f"{run.vendor:<11} {state}")
    codes = [run.code for run in present]
    if all(code == _NOTHING_COLLECTED for code in codes):
        return _refuse("No test was selected.")
    return max((code for code in codes if code != _NOTHING_COLLECTED), default=0)


def _run_one(run: Run, arguments: list[str]) -> None:
    """Run pytest, its output passed on as it comes, and keep its closing words."""
    colour = ["--color=yes"] if sys.stdout.isatty() else []
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", *colour, *arguments],
        env={**os.environ, "BGTASKS_TEST_VENDOR": run.vendor},
        stdout=subprocess.PIPE,
        text=True,
        errors="replace",
    )
    assert process.stdout is not None
    with process:
        for line in process.stdout:
            print(line, end="", flush=True)
            if closing := _CLOSING.search(_COLOUR.sub("", line)):
                run.closing = closing[0]
    run.code = process.returncode
    if not run.closing:
        run.closing = f"pytest did not come to its end (exit code {run.code})"


def _refuse(message: str) -> int:
    print(message, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
