"""A trial in a run's frame: workers at rest, the trial, the end, the account."""

from __future__ import annotations

from dataclasses import dataclass, field

from . import tasks
from .figure import Figure
from .run import Run
from .scene import Plan, say
from .trials import TRIALS


def plan_of(name: str, vendor: str, seed: int) -> Plan:
    trial = TRIALS[name]
    return Plan(
        vendor=vendor,
        faults=(),
        seed=seed,
        jobs=0,
        rate=25.0,
        every=1.0,
        options=tuple(trial.options.items()),
        teams=trial.teams,
        beats=trial.beats,
        callers=0,
    )


@dataclass
class TrialRun(Run):
    name: str = ""
    figures: list[Figure] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.trial = TRIALS[self.name](self.scene)
        self.greeted: set[str] = set()

    def _has_work_begun(self) -> bool:
        if not self.greeted:
            self.greeted = self.trial.ask(tasks.plain, times=8)
        return len(self.trial.runs(self.greeted)) == len(self.greeted)

    def _harm(self) -> None:
        try:
            self.figures = self.trial.perform()
        except RuntimeError as error:
            self.disorder.append(str(error))
        self.blows += self.trial.blows
        self.disorder += self.trial.wrong
        for figure in self.figures:
            say(f"  {figure.name}: {figure}")
