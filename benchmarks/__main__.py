"""Measure on each vendor that is here, and print what came out."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from . import admin, databases, docs, machine, options, report
from .growth import command as growth
from .parts import PARTS
from .peers.catalogue import PEERS
from .run import Request
from .subjects import OURS

_HERE = Path(__file__).parent


def main() -> int:
    if sys.argv[1:2] == ["admin"]:
        return admin.main(sys.argv[2:])
    if sys.argv[1:2] == ["docs"]:
        return docs.main(sys.argv[2:])
    if sys.argv[1:2] == ["growth"]:
        return growth.main(sys.argv[2:])
    chosen = options.parse()
    about = machine.describe()
    results, failed = [], False
    for vendor in chosen.vendors or databases.VENDORS:
        try:
            with databases.made(vendor, own_server=chosen.own_server) as url:
                results.append(_measure(vendor, url, chosen))
        except databases.Unavailable as reason:
            print(f"{vendor} is left out: {reason}", file=sys.stderr)
            failed = failed or bool(chosen.vendors)
        except subprocess.CalledProcessError:
            print(f"{vendor}: not measured, see above", file=sys.stderr)
            failed = True
    moment = datetime.now(UTC)
    place = chosen.json or _HERE / "results" / f"{moment:%Y%m%d-%H%M%S}.json"
    report.save(place, {"at": moment.isoformat(), "machine": about, "results": results})
    print(report.heading(about))
    print("\n\n".join(report.table(result) for result in results))
    found = report.found_in(results)
    if chosen.peers:
        for result in results:
            print(f"\n{report.comparison(found, result['vendor'], docs.TITLES)}")
    print(f"\n{report.judgements(results)}")
    print(f"\nAll samples: {place}")
    return int(failed)


def _measure(vendor: str, url: str, chosen: argparse.Namespace) -> dict[str, Any]:
    request = Request(
        vendor=vendor,
        subjects=[OURS, *(name for name in chosen.peers if _suits(name, vendor))],
        parts=chosen.parts or list(PARTS),
        rounds=chosen.rounds,
        jobs=chosen.jobs,
        retries=chosen.retries,
    )
    with tempfile.NamedTemporaryFile("w+", suffix=".json") as file:
        file.write(json.dumps(asdict(request)))
        file.flush()
        subprocess.run(
            [sys.executable, "-m", "benchmarks.run", file.name],
            env={
                **os.environ,
                "DJANGO_SETTINGS_MODULE": "benchmarks.settings",
                "BGTASKS_BENCH_DATABASE_URL": url,
                "PYTHONPATH": os.pathsep.join(
                    [str(_HERE.parent), os.environ.get("PYTHONPATH", "")]
                ).rstrip(os.pathsep),
            },
            check=True,
        )
        result: dict[str, Any] = json.loads(Path(file.name).read_text())
    return result


def _suits(peer: str, vendor: str) -> bool:
    return PEERS[peer].vendor == vendor


if __name__ == "__main__":
    sys.exit(main())
