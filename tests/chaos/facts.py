"""The facts of a run: from the database, and from the journals beside it."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from django_bgtasks.models import (
    DeferredJob,
    FinishedJob,
    Job,
    ReadyJob,
    RunningJob,
)
from tests.testapp.models import Effect

from . import journal
from .ledger import Blow, Facts, pair

_STATES: dict[str, Any] = {
    "ready": ReadyJob,
    "deferred": DeferredJob,
    "running": RunningJob,
    "finished": FinishedJob,
}


def collect(calls: Path, runs: Path, blows: list[Blow]) -> Facts:
    """Read all there is of a run. Nothing may be under way any more."""
    facts = Facts(blows=blows, runs=pair(journal.read(runs)))
    _read_calls(facts, calls)
    for key in Effect.objects.values_list("key", flat=True).iterator():
        what, _, rest = key.partition(":")
        if what == "asked":
            facts.asked.add(rest)
        elif what == "done":
            facts.effects[rest] += 1
    _read_jobs(facts)
    standing: defaultdict[str, list[str]] = defaultdict(list)
    for name, model in _STATES.items():
        for pk in model.objects.values_list("pk", flat=True).iterator():
            standing[str(pk)].append(name)
    facts.standing = dict(standing)
    ends = FinishedJob.objects.values_list("pk", "outcome").iterator()
    facts.outcomes = {str(pk): outcome for pk, outcome in ends}
    return facts


def outcomes() -> Counter[str]:
    return Counter(FinishedJob.objects.values_list("outcome", flat=True))


def unfinished() -> int:
    models = (ReadyJob, DeferredJob, RunningJob)
    return sum(model.objects.count() for model in models)


def _read_calls(facts: Facts, path: Path) -> None:
    sets = {
        "committed": facts.committed,
        "rolled back": facts.rolled_back,
        "unknown": facts.unknown,
    }
    begun: set[str] = set()
    for line in journal.read(path):
        if line["what"] in sets:
            sets[line["what"]].update(line["keys"])
        elif line["what"] == "asks":
            begun.update(line["keys"])
    # Of a caller that was killed, nobody knows what it has committed.
    facts.unknown |= begun - facts.committed - facts.rolled_back


def _read_jobs(facts: Facts) -> None:
    jobs: defaultdict[str, list[str]] = defaultdict(list)
    rows = Job.objects.values_list("pk", "args", "schedule_id")
    for pk, args, schedule in rows.iterator():
        key = args[0] if schedule is None else f"due-{pk}"
        jobs[key].append(str(pk))
    facts.jobs = dict(jobs)
