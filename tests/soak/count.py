"""Whether each job that was committed has come to its end, though rows are pruned."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from django.apps import apps
from django.db.models import Exists, OuterRef

from django_bgtasks.models import FinishedJob, Job, Tick
from tests.chaos import journal

# A row is seen so long after it was made: its transaction may have lasted.
_SLACK = timedelta(seconds=15)
# So many waits of a piece have a percentile.
_LEAST_WAITS = 20


@dataclass
class Ends:
    """What was seen of the ends of jobs, and of due moments, before it was pruned."""

    outcomes: dict[str, str] = field(default_factory=dict)
    due: dict[int, set[datetime]] = field(default_factory=lambda: defaultdict(set))
    scheduled: set[str] = field(default_factory=set)
    _until: datetime | None = None
    _ticked: datetime | None = None

    def look(self) -> None:
        """Note what has ended since the last time. To be called within retention."""
        finished = FinishedJob.objects.all()
        if self._until is not None:
            finished = finished.filter(keep_until__gt=self._until - _SLACK)
        for pk, outcome, until in finished.values_list("pk", "outcome", "keep_until"):
            self.outcomes[str(pk)] = outcome
            self._until = max(until, self._until or until)
        ticks = Tick.objects.all()
        if self._ticked is not None:
            ticks = ticks.filter(ticked_at__gt=self._ticked - _SLACK)
        rows = ticks.values_list("schedule_id", "due_at", "ticked_at", "job_id")
        for schedule, due_at, ticked_at, job in rows:
            self.due[schedule].add(due_at)
            self._ticked = max(ticked_at, self._ticked or ticked_at)
            if job is not None:
                self.scheduled.add(str(job))


@dataclass
class Count:
    """The sums of a run, and what must not be, each in words."""

    enqueued: int = 0
    scheduled: int = 0
    attempts: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def count(lines: Iterable[dict[str, Any]], ends: Ends) -> Count:
    """Compare what was committed with what was seen to run and to end."""
    jobs: dict[str, set[str]] = {"committed": set(), "rolled back": set()}
    begun: Counter[tuple[str, int]] = Counter()
    over = set(ends.outcomes)
    for line in lines:
        if line["what"] == "began":
            begun[line["job"], line["attempt"]] += 1
            if "leaves_nothing" in line:
                over.add(line["job"])
        else:
            jobs[line["what"]].update(line["jobs"])
    committed, undone = jobs["committed"], jobs["rolled back"]
    ran = {job for job, _ in begun}
    wanted = committed | ends.scheduled | ran
    problems = [
        *(f"{job} was lost" for job in sorted(wanted - undone - over)),
        *(f"{job} was rolled back" for job in sorted(undone & (ran | over))),
        *(f"{job} ran attempt {n} {m} times" for (job, n), m in begun.items() if m > 1),
        *_gaps(ends),
    ]
    return Count(
        enqueued=len(committed),
        scheduled=len(ends.scheduled),
        attempts=sum(begun.values()),
        outcomes=dict(Counter(ends.outcomes.values()).most_common()),
        problems=problems,
    )


def _gaps(ends: Ends) -> Iterable[str]:
    """Say where moments are missing that lie equally far apart."""
    for schedule, moments in ends.due.items():
        some = sorted(moments)
        steps = [after - before for before, after in pairwise(some)]
        if steps and (usual := median(steps)) < timedelta(seconds=30):
            for moment, step in zip(some, steps, strict=False):
                if step > usual:
                    yield f"schedule {schedule} has no tick for {step} after {moment}"


def waits(
    lines: Iterable[dict[str, Any]], began: float, piece: float
) -> dict[str, list[tuple[float, float]]]:
    """Return percentiles of the milliseconds from enqueue to start, piece by piece."""
    pieces: defaultdict[int, list[float]] = defaultdict(list)
    for line in lines:
        if "late" in line:
            pieces[int((line["at"] - began) / piece)].append(line["late"] * 1000)
    p50: list[tuple[float, float]] = []
    p99: list[tuple[float, float]] = []
    for number, some in sorted(pieces.items()):
        if len(some) >= _LEAST_WAITS:
            at = (number + 0.5) * piece
            p50.append((at, median(some)))
            p99.append((at, quantiles(some, n=100)[98]))
    return {"wait p50: jobs": p50, "wait p99: jobs": p99}


def _of_jobs() -> Iterator[Any]:
    """Yield the models whose rows belong to a job."""
    for model in apps.get_app_config("django_bgtasks").get_models():
        names = {field.attname for field in model._meta.concrete_fields}
        if "job_id" in names and model is not Tick:
            yield model


def orphans() -> list[str]:
    """Say which tables hold rows of jobs that are gone."""
    found = []
    for model in _of_jobs():
        alive = Job.objects.filter(pk=OuterRef("job_id"))
        rows = model.objects.filter(~Exists(alive)).count()
        if rows:
            found.append(f"{rows} rows of {model._meta.model_name} have no job")
    return found


def left() -> list[str]:
    """Say what the tables of jobs, and of due moments, still hold."""
    return [
        f"{rows} rows of {model._meta.model_name} are left"
        for model in (Job, Tick, *_of_jobs())
        if (rows := model.objects.count())
    ]


def read(*paths: Path) -> list[dict[str, Any]]:
    return [line for path in paths for line in journal.read(path)]
