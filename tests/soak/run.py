"""An hour of it: load and samples at once, then the end, then the judgement."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any

import psutil
from django.db import connection

from django_bgtasks.models import Schedule
from tests.chaos.facts import unfinished
from tests.chaos.scene import say
from tests.testapp.models import Effect

from . import count, sampling, tables
from .bars import BARS
from .crew import Crew
from .judge import Finding, Point, judge, undisturbed

_PROCESSES_EVERY = 5.0
_TABLES_EVERY = 10.0
_TELL_EVERY = 60.0
# A supervisor prunes every ten seconds.
_MOST_OVERDUE = 30.0
_PATIENCE = 90.0
# A machine that is busier has no processor at hand for a job that may start.
_MOST_BUSY = 0.7
# Waits are judged if so many of them were undisturbed.
_LEAST_CALM = 0.5


@dataclass
class Soak:
    crew: Crew
    samples: list[dict[str, Any]] = field(default_factory=list)
    ends: count.Ends = field(default_factory=count.Ends)
    problems: list[str] = field(default_factory=list)
    counted: count.Count = field(default_factory=count.Count)
    series: dict[str, list[Point]] = field(default_factory=dict)
    busy: float = 0.0
    _last_look: float | None = None

    def perform(self) -> list[Finding]:
        _prepare()
        try:
            self.crew.start()
            self._await_start()
            self._sample()
            self._end()
        finally:
            self.crew.close()
        return self._judge()

    # -- load ---------------------------------------------------------------

    def _await_start(self) -> None:
        def all_work() -> bool:
            return len(self.crew.processes()) == 6 and self.crew.runs.exists()

        if not _eventually(all_work, _PATIENCE):
            words = [member.last_words for member in self.crew.members.values()]
            raise RuntimeError("Nobody works:\n" + "\n".join(words))
        self.began = time.monotonic()

    def _sample(self) -> None:
        """Look, at what is due, until the time is over or somebody has fallen."""
        due = {
            self._look_at_processes: 0.0,
            self._look_at_tables: 1.0,
            self._tell: 30.0,
        }
        every = (_PROCESSES_EVERY, _TABLES_EVERY, _TELL_EVERY)
        while (now := time.monotonic() - self.began) < self.crew.plan.seconds:
            for look, step in zip(due, every, strict=True):
                if now >= due[look]:
                    due[look] = now + step
                    look(now)
            if troubles := self.crew.troubles():
                self.problems += troubles
                return
            time.sleep(0.5)

    def _look_at_processes(self, now: float) -> None:
        found = sampling.of_all(self.crew.processes())
        # Since the last look, with all that others run here.
        busy = {"all": psutil.cpu_percent() / 100}
        self.samples.append({"at": now, "processes": found, "machine": busy})

    def _look_at_tables(self, now: float) -> None:
        gap = now - (self._last_look or now)
        self._last_look = now
        if gap > self.crew.plan.retention:
            self.problems.append(f"nobody looked for {gap:.0f} s: ends were not seen")
        self.ends.look()
        sample = {"at": now, **tables.look(self.crew.server)}
        sample["overdue"] = tables.overdue()
        self.samples.append(sample)

    def _tell(self, now: float) -> None:
        memory = ", ".join(
            f"{name} {facts['uss']:.1f}"
            for name, facts in self._last("processes").items()
        )
        tables_now = ", ".join(
            f"{name} {size:.1f}" for name, size in self._last("tables").items()
        )
        rows = self._last("rows")
        say(
            f"{now / 60:5.1f} min  MB: {memory}; tables {tables_now}; "
            f"{rows.get('job', 0):.0f} jobs, {rows.get('readyjob', 0):.0f} ready; "
            f"{len(self.ends.outcomes)} have ended"
        )

    def _last(self, kind: str) -> dict[str, Any]:
        return next((each[kind] for each in self.samples[::-1] if kind in each), {})

    # -- the end ------------------------------------------------------------

    def _end(self) -> None:
        """Let all of it end and be pruned; then nothing may be left."""
        self.busy = self._cpu() / (time.monotonic() - self.began)
        for name in ("caller", "beat", "site"):
            if self.crew.members[name].is_running():
                self.problems += self.crew.stop(name)
        if not _eventually(lambda: unfinished() == 0, _PATIENCE):
            self.problems.append(f"{unfinished()} jobs are stuck")
        self.ends.look()
        self.problems += count.orphans()
        until = self.crew.plan.retention + _PATIENCE
        if not _eventually(lambda: not count.left(), until):
            self.problems += count.left()
        if self.crew.members["worker"].is_running():
            self.problems += self.crew.stop("worker")

    def _cpu(self) -> float:
        """Seconds that all took together while they were sampled."""
        mine = [each["processes"] for each in self.samples if "processes" in each]
        if not mine:
            return 0.0
        return sum(
            facts["cpu"] - mine[0].get(name, facts)["cpu"]
            for name, facts in mine[-1].items()
        )

    # -- judgement ----------------------------------------------------------

    def _judge(self) -> list[Finding]:
        plan = self.crew.plan
        lines = count.read(self.crew.calls, self.crew.runs)
        under_load = [line for line in lines if line["at"] - self.began < plan.seconds]
        self.series = sampling.series_of(self.samples)
        piece = max(plan.seconds / 60, _PROCESSES_EVERY)
        waits = count.waits(under_load, self.began, piece)
        findings = judge(self.series, BARS, since=plan.warm_up)
        findings += self._judge_waits(waits, piece)
        self.series |= waits
        self.counted = count.count(lines, self.ends)
        self.problems += self.counted.problems
        return [*findings, self._overdue(), self._figures()]

    def _judge_waits(
        self, waits: dict[str, list[Point]], piece: float
    ) -> list[Finding]:
        """Judge the pieces in which the machine had room; none, if those are few."""
        busy, since = self.series["machine: all"], self.crew.plan.warm_up
        findings = []
        for name, points in waits.items():
            later = [point for point in points if point[0] >= since]
            calm = undisturbed(later, busy, piece, _MOST_BUSY)
            if len(calm) < len(later) * _LEAST_CALM:
                text = f"not judged: {len(calm)} of {len(later)} pieces undisturbed"
                findings.append(Finding(name, "ms", held=True, text=text))
            else:
                findings += judge({name: calm}, BARS, since)
        return findings

    def _overdue(self) -> Finding:
        late = max((each.get("overdue", 0.0) for each in self.samples), default=0.0)
        text = f"at most {late:.0f} s; bar {_MOST_OVERDUE:.0f} s"
        return Finding("pruned after its time", "s", late <= _MOST_OVERDUE, text=text)

    def _figures(self) -> Finding:
        """Parts are added up by the minute, a while after it: so many rows there are.

        Each of two processes writes a part for each of three queues every five
        seconds; those of three minutes may not have been added up yet.
        """
        name = f"figures: {tables.FIGURES}"
        rows = max((value for _, value in self.series.get(name, ())), default=0.0)
        queues, parts = 3, 3 * 2 * 3 * 12
        most = queues * self.crew.plan.minutes + 1.5 * parts
        text = f"{rows:.0f}; at most {most:.0f} by design"
        return Finding("rows of figures", "", rows <= most, text=text)

    def told(self, findings: list[Finding]) -> dict[str, Any]:
        """Return all there is, for a file."""
        return {
            "plan": asdict(self.crew.plan),
            "findings": [asdict(each) for each in findings],
            "problems": self.problems,
            "counted": asdict(self.counted) | {"problems": []},
            "busy": self.busy,
            "series": self.series,
        }


def _prepare() -> None:
    Effect.objects.bulk_create(Effect(key=f"row {number}") for number in range(50))
    path = "tests.soak.tasks"
    some: list[dict[str, Any]] = [
        {"name": "each second", "crontab": "* * * * * *"},
        {"name": "each third second", "crontab": "*/3 * * * * *"},
        {"name": "edited", "crontab": "* * * * *"},
        {"name": "minute", "crontab": "* * * * *", "timezone": "Europe/London"},
        {
            "name": "interval",
            "kind": "interval",
            "every": timedelta(seconds=5),
        },
        {
            "name": "overlapping",
            "crontab": "* * * * * *",
            "overlap": "skip",
            "task_path": f"{path}.due_slowly",
        },
    ]
    for each in some:
        Schedule.objects.create(
            **{"task_path": f"{path}.due", "missed": "run_all", **each}
        )
    connection.close()


def _eventually(look: Callable[[], bool], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if look():
            return True
        time.sleep(0.2)
    return False
