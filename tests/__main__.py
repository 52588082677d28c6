"""Run the tests once for each database that is here, side by side.

    python -m tests [--plan] [--in-turn] [vendor ...] [-- arguments of pytest ...]

Without vendors, all of them; one that is not here is left out, and the reason
is printed, unless it was asked for by name or by BGTASKS_REQUIRE. Of several, what
needs no particular database are two more runs, on the first of them; and workers on
PostgreSQL, which take the longest, are another. What the runs print comes one run after
the other; the first one's at once. ``--in-turn`` also starts each only when the one
before has ended, for a debugger or for figures.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from queue import SimpleQueue

from .databases import VENDORS, Unavailable, describe, required_vendors

_FLAGS = {"--plan", "--in-turn"}
_NOTHING_COLLECTED = 5
# What needs no particular database, in two runs that take about as long.
_ONCE = (
    ("once", "what needs no particular database", "--skip-outside"),
    ("outside", "the product as its users meet it", "--only-outside"),
)
_WORKERS = "workers"
_COLOUR = re.compile(r"\x1b\[[\d;]*m")
# Such as "3 failed, 120 passed, 2 skipped in 41.20s".
_CLOSING = re.compile(r"(\d+ [a-z]+, )*(\d+ [a-z]+|no tests ran) in [\d.]+s")
# Not the words of a worker, which may begin alike.
_FAILURE = re.compile(r"(FAILED|ERROR) \S+\.py\b")


@dataclass
class Run:
    vendor: str
    server: str = ""
    name: str = ""
    options: list[str] = field(default_factory=list)
    missing: str = ""
    code: int = 0
    closing: str = ""
    failures: list[str] = field(default_factory=list)

    @property
    def heading(self) -> str:
        return f"{self.name or self.vendor:<11}"


def main(arguments: Sequence[str]) -> int:
    ours, theirs = list(arguments), []
    if "--" in ours:
        at = ours.index("--")
        ours, theirs = ours[:at], ours[at + 1 :]
    flags = _FLAGS.intersection(ours)
    asked = [name for name in ours if name not in _FLAGS]
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
    if "--plan" in flags:
        return 0
    started = time.monotonic()
    present = [run for run in runs if not run.missing]
    if len(present) > 1:
        more = [_once(present[0].vendor, *each) for each in _ONCE]
        for run in present:
            run.options = ["--skip-once"]
            if run.vendor == "postgresql":
                more.append(_workers_on(run))
        runs, present = [*runs, *more], [*present, *more]
    _run_all(present, theirs, in_turn="--in-turn" in flags)
    return _conclude(runs, present, time.monotonic() - started)


def _look(vendor: str) -> Run:
    try:
        return Run(vendor, server=describe(vendor))
    except Unavailable as reason:
        return Run(vendor, missing=str(reason))


def _once(vendor: str, name: str, what: str, option: str) -> Run:
    options = ["--only-once", option]
    return Run(vendor, f"{what}, on {vendor}", name=name, options=options)


def _workers_on(run: Run) -> Run:
    """Return a run of what waits for workers, and leave that out of another."""
    name, what = _WORKERS, f"workers and what they do, on {run.vendor}"
    apart = Run(run.vendor, what, name=name, options=[*run.options, f"--only-{name}"])
    run.options.append(f"--skip-{name}")
    return apart


def _print_plan(runs: list[Run], required: set[str]) -> None:
    for run in runs:
        needed = " (required)" if run.missing and run.vendor in required else ""
        state = f"skipped{needed}: {run.missing}" if run.missing else run.server
        print(f"{run.heading} {state}", flush=True)


def _run_all(present: list[Run], arguments: list[str], *, in_turn: bool) -> None:
    shows: list[Callable[[], None]] = []
    for run in present:
        show = _start(run, [*run.options, *arguments])
        if in_turn:
            show()
        else:
            shows.append(show)
    for show in shows:
        show()


def _start(run: Run, arguments: list[str]) -> Callable[[], None]:
    """Start pytest; return what prints its output, old and new, until its end."""
    colour = ["--color=yes"] if sys.stdout.isatty() else []
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", *colour, *arguments],
        env={**os.environ, "BGTASKS_TEST_VENDOR": run.vendor},
        stdout=subprocess.PIPE,
        text=True,
        errors="replace",
    )
    lines: SimpleQueue[str] = SimpleQueue()

    def read() -> None:
        assert process.stdout is not None
        with process:
            for line in process.stdout:
                lines.put(line)
        lines.put("")

    # It reads all the time, since a full pipe would hold the tests up.
    reader = threading.Thread(target=read, daemon=True)
    reader.start()

    def show() -> None:
        print(f"\n== {run.heading.strip()}: {run.server}", flush=True)
        while line := lines.get():
            print(line, end="", flush=True)
            _note(run, _COLOUR.sub("", line))
        reader.join()
        run.code = process.returncode
        if not run.closing:
            run.closing = f"pytest did not come to its end (exit code {run.code})"

    return show


def _note(run: Run, line: str) -> None:
    if closing := _CLOSING.search(line):
        run.closing = closing[0]
    elif _FAILURE.match(line):
        run.failures.append(line.strip())


def _conclude(runs: list[Run], present: list[Run], seconds: float) -> int:
    if any(run.failures for run in present):
        print("\n== failed")
    for run in present:
        for failure in run.failures:
            print(f"{run.heading} {failure}")
    print(f"\n== all databases, {seconds:.0f} s")
    for run in runs:
        state = f"skipped: {run.missing}" if run.missing else run.closing
        print(f"{run.heading} {state}")
    codes = [run.code for run in present]
    if all(code == _NOTHING_COLLECTED for code in codes):
        return _refuse("No test was selected.")
    # A negative one is the number of the signal that killed it.
    bad = [abs(code) for code in codes if code not in (0, _NOTHING_COLLECTED)]
    return max(bad, default=0)


def _refuse(message: str) -> int:
    print(message, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
