"""Deploy this code where an older one works, under load.

    python -m tests.upgrades [--vendor V] [--revision R]

For each vendor: from the release before (until there is one, from the code before the
last change), and from the last revision whose tables were fewer. In the end the ledger
of ``tests.chaos`` says whether anything was lost, doubled, or told to a caller.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.chaos.disk import Refused
from tests.chaos.report import Row, verdict
from tests.soak.servers import SERVERS

from . import revisions

VENDORS = tuple(SERVERS)


def main(arguments: list[str]) -> int:
    options = _parser().parse_args(arguments)
    if options.child:
        return _deploy(options)
    directory = Path(tempfile.mkdtemp(prefix="bgtasks-upgrade-"))
    rows: list[Row] = []
    for vendor in options.vendor or VENDORS:
        for number, revision in enumerate(options.revision or _usual()):
            kept = directory / f"{vendor}-{number}"
            kept.mkdir(parents=True)
            found = _run(vendor, revision, kept, options.sabotage)
            rows += found or [Row(vendor, revision[:9], problems=["it ended early"])]
    sys.stdout.write(verdict(rows, 1, directory))
    return int(any(row.problems for row in rows))


def _usual() -> list[str]:
    before, older = revisions.before(), revisions.with_older_tables()
    return list(dict.fromkeys([before, older, revisions.first()]))


def _run(vendor: str, revision: str, kept: Path, sabotage: str) -> list[Row]:
    """Run each in a process of its own: Django has one database there."""
    words = ["--child", "--vendor", vendor, "--revision", revision]
    words += ["--sabotage", sabotage]
    environment = {
        **os.environ,
        "BGTASKS_TEST_VENDOR": vendor,
        "DJANGO_SETTINGS_MODULE": "tests.chaos.settings",
        "BGTASKS_CHAOS_ORDERS": "",
    }
    command = [sys.executable, "-m", "tests.upgrades", *words]
    child = subprocess.Popen([*command, "--directory", str(kept)], env=environment)
    signal.signal(signal.SIGTERM, lambda *_: child.terminate())
    child.wait()
    return Row.load(kept / "rows.jsonl")


def _deploy(options: argparse.Namespace) -> int:
    # There are servers to stop and to delete.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    (vendor,), (revision,) = options.vendor, options.revision
    kept: Path = options.directory
    sys.stdout.write(f"{vendor}, from {revision[:9]}\n")
    try:
        code = revisions.take(revision, kept / "old")
        with SERVERS[vendor](migrated=False) as server:
            os.environ["BGTASKS_TEST_DATABASE_URL"] = server.url
            import django

            django.setup()
            row = _perform(server, kept, code, options.sabotage)
    except (Refused, revisions.Missing) as reason:
        row = Row(vendor, revision[:9], skipped=str(reason))
    row.save(kept / "rows.jsonl")
    sys.stdout.write(f"{row}\n")
    return int(bool(row.problems))


def _perform(server: Any, kept: Path, code: revisions.Code, sabotage: str) -> Row:
    from .deploy import Broken, Deploy

    began = time.monotonic()
    try:
        deploy = Deploy(server, kept, code, sabotage=sabotage, tell=_tell)
        account = deploy.perform()
    except Broken as error:
        return Row(server.vendor, code.name, problems=[str(error)])
    return Row.of(server.vendor, code.name, account, time.monotonic() - began)


def _tell(story: str) -> None:
    sys.stdout.write(f"  {story}\n")
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.upgrades")
    add = parser.add_argument
    add("--vendor", action="append", choices=VENDORS, help="All, by default.")
    add("--revision", action="append", help="Any that git knows.")
    add("--sabotage", default="", help="Migrate carelessly, on purpose.")
    add("--directory", type=Path, help=argparse.SUPPRESS)
    add("--child", action="store_true", help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
