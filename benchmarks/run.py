"""Take the samples of one vendor, in a process of its own.

``python -m benchmarks.run FILE`` reads a request from the file and leaves the
result there. It is started by ``python -m benchmarks``.
"""

from __future__ import annotations

import json
import sys
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import django


@dataclass(frozen=True, slots=True)
class Request:
    """What to measure on one vendor."""

    vendor: str
    subjects: list[str]
    parts: list[str]
    rounds: int
    jobs: int
    retries: int


# With this many cores busy for others a sample is taken again.
_TOLERATED = 0.3


def run(request: Request) -> dict[str, Any]:
    """Measure, round after round, so that parts and subjects take turns."""
    from django.db import connection

    from . import databases, subjects
    from .parts import PARTS, Plan

    versions = databases.describe(connection)
    chosen = [PARTS[name] for name in request.parts]
    samples: list[dict[str, Any]] = []
    with ExitStack() as stack:
        measured = []
        for name in request.subjects:
            subject = subjects.make(name)
            stack.callback(subject.tear_down)
            subject.set_up()
            versions |= subject.versions()
            measured.append(subject)
        for number in range(request.rounds):
            for part in chosen:
                for subject in measured:
                    if not part.suits(request.vendor) or not subject.can(part.name):
                        continue
                    about = f"{part.name} {subject.name}"
                    _say(f"{request.vendor} {number + 1}/{request.rounds} {about}")
                    plan = Plan(min(request.jobs, subject.jobs or request.jobs))
                    try:
                        samples += _sample(part, subject, plan, request)
                    except (RuntimeError, TimeoutError) as error:
                        # Another queue's failure costs its own sample only.
                        if subject.name == subjects.OURS:
                            raise
                        _say(f"{subject.name} failed: {error}")
    return {"vendor": request.vendor, "versions": versions, "samples": samples}


def _sample(
    part: Any, subject: Any, plan: Any, request: Request
) -> list[dict[str, Any]]:
    """Take a sample; of several, disturbed ones, keep the least disturbed."""
    from django.db import connection

    from .machine import observed

    name = str(connection.settings_dict["NAME"])
    best = None
    for _ in range(request.retries + 1):
        figures, disturbance = observed(
            lambda: part.sample(subject, plan),
            request.vendor,
            name,
            subject.servers,
        )
        if best is None or disturbance.foreign_cores < best[1].foreign_cores:
            best = figures, disturbance
        if disturbance.foreign_cores <= _TOLERATED:
            break
        _say(f"  {disturbance.foreign_cores:.2f} cores were busy for others")
    assert best is not None
    about = {"subject": subject.name, "part": part.name, **asdict(best[1])}
    return [{**about, **asdict(figure)} for figure in best[0]]


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    django.setup()
    place = Path(sys.argv[1])
    result = run(Request(**json.loads(place.read_text())))
    place.write_text(json.dumps(result))
