"""Let it run for an hour, and see whether anything grows.

    python -m tests.soak [--minutes M] [--vendor V] [--rate R] [--seed S]

Prints a table, and writes ``soak-VENDOR.json`` and ``soak-VENDOR.svg`` into
``--directory``, by default ``build``, with journals and logs beside them.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tests.chaos.disk import Refused

from .plan import Plan
from .servers import SERVERS


def main(arguments: list[str]) -> int:
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    seed = options.seed or random.randrange(1, 10**6)
    # The soak's own connection is of the vendor, and comes with the same settings.
    os.environ["BGTASKS_TEST_VENDOR"] = options.vendor
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.soak.settings"
    os.environ["PGAPPNAME"] = "soak"
    plan = Plan(options.vendor, options.minutes, options.rate, seed, options.sabotage)
    try:
        with SERVERS[options.vendor]() as server:
            return _perform(server, plan, options.directory)
    except Refused as reason:
        sys.stderr.write(f"{options.vendor} is not here: {reason}\n")
        return 2


def _perform(server: Any, plan: Plan, directory: Path) -> int:
    import django

    os.environ["BGTASKS_TEST_DATABASE_URL"] = server.url
    django.setup()
    from .crew import Crew
    from .report import verdict
    from .run import Soak

    kept = directory / f"soak-{plan.vendor}"
    for old in kept.glob("*.jsonl"):
        old.unlink()
    soak = Soak(Crew(plan, server, kept))
    sys.stdout.write(
        f"{plan.vendor}: {plan.minutes:g} minutes, {plan.rate:g} jobs a second, "
        f"retention {plan.retention:g} s, seed {plan.seed}\n"
    )
    findings = soak.perform()
    told = soak.told(findings)
    (directory / f"soak-{plan.vendor}.json").write_text(json.dumps(told, default=str))
    _draw(directory / f"soak-{plan.vendor}.svg", soak)
    counted = soak.counted
    sums = (
        f"{counted.enqueued} jobs were enqueued and {counted.scheduled} came from "
        f"schedules; {counted.attempts} attempts; "
        + ", ".join(f"{n} {how}" for how, n in counted.outcomes.items())
    )
    sys.stdout.write(verdict(findings, soak.problems, sums, soak.busy))
    return int(bool(soak.problems) or not all(each.held for each in findings))


def _draw(path: Path, soak: Any) -> None:
    if find_spec("matplotlib") is None:
        sys.stderr.write("No picture: matplotlib is not installed.\n")
        return
    from .picture import draw

    plan = soak.crew.plan
    title = f"{plan.minutes:g} minutes on {plan.vendor}, {plan.rate:g} jobs a second"
    draw(path, title, soak.series, plan.warm_up)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.soak")
    add = parser.add_argument
    add("--vendor", choices=("postgresql", "mariadb", "sqlite"), default="postgresql")
    add("--minutes", type=float, default=60.0, help="Of load (60).")
    add("--rate", type=float, default=40.0, help="Jobs enqueued a second (40).")
    add("--seed", type=int, help="Of the load; drawn by default.")
    add("--sabotage", default="", help="Break the product on purpose.")
    add("--directory", type=Path, default=Path("build"), help="For what is written.")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
