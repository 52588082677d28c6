"""All runs of one vendor, on one server."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
import traceback
from collections.abc import Iterator

import django

from .disk import Refused
from .report import Row
from .servers import SERVERS, Server

_JOBS = 400
_SHORT, _FEW_JOBS = ("mix", "worker-killed"), 250
# All that fits at once, by the way to the database.
_MIXES = {
    "sqlite": {"mix": ""},
    "postgresql": {"mix": "proxy", "mix-pooled": "pooler"},
    "mariadb": {"mix": "proxy"},
}


def perform_all(options: argparse.Namespace) -> int:
    """Perform the runs that the options name; return 1 if a promise was broken."""
    vendor = options.child
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    rows = []
    try:
        with SERVERS[vendor]() as server:
            # The audit's own connection leads straight to the server.
            os.environ["BGTASKS_TEST_DATABASE_URL"] = server.url
            django.setup()
            from .scene import say

            for fault, plan in _plans(options):
                say(f"{vendor}, {fault}: seed {plan.seed}, {plan.jobs} jobs")
                row = _perform(server, fault, plan, options)
                row.save(options.directory / "rows.jsonl")
                say(str(row))
                rows.append(row)
    except Refused as reason:
        row = Row(vendor, "all", skipped=str(reason))
        row.save(options.directory / "rows.jsonl")
    return int(any(row.problems for row in rows))


def _perform(
    server: Server, fault: str, plan: object, options: argparse.Namespace
) -> Row:
    from .run import Run
    from .scene import Scene
    from .trial_run import TrialRun
    from .trials import TRIALS

    began = time.monotonic()
    scene = Scene(plan, server, options.directory / fault)  # type: ignore[arg-type]
    figures = []
    try:
        if fault in TRIALS:
            run = TrialRun(scene, name=fault)
            account, figures = run.perform(), run.figures
        else:
            account = Run(scene).perform()
    except Refused as reason:
        return Row(server.vendor, fault, skipped=str(reason))
    except Exception:
        story = traceback.format_exc()
        return Row(server.vendor, fault, problems=[f"no account: {story}"])
    row = Row.of(server.vendor, fault, account, time.monotonic() - began)
    row.judge(figures, timed=not options.untimed)
    return row


def _plans(options: argparse.Namespace) -> Iterator[tuple[str, object]]:
    from .faults import FAULTS, fitting
    from .scene import Plan
    from .trial_run import plan_of
    from .trials import TRIALS

    vendor = options.child
    trials = [name for name in TRIALS if vendor in TRIALS[name].vendors]
    alone = [name for name in FAULTS if vendor in FAULTS[name].vendors]
    every = [*trials, *alone, *_MIXES[vendor]]
    for fault in options.fault or (_SHORT if options.short else every):
        if fault in trials:
            yield fault, plan_of(fault, vendor, options.seed)
        if fault in trials or fault not in (*every, "none"):
            continue
        faults: tuple[str, ...] = () if fault == "none" else (fault,)
        through = options.through
        if fault in _MIXES[vendor]:
            through = through or _MIXES[vendor][fault]
            faults = tuple(fitting(vendor, through))
        yield (
            fault,
            Plan(
                vendor=vendor,
                faults=faults,
                seed=options.seed,
                jobs=options.jobs or (_FEW_JOBS if options.short else _JOBS),
                rate=options.rate,
                every=options.every,
                seconds=options.seconds,
                through=through,
                sabotage=options.sabotage,
                tasks=options.tasks,
            ),
        )
