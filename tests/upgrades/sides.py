"""One revision's part of the scene: its workers, beats and callers."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django_bgtasks.models import Process
from tests.acceptance.workers import Worker
from tests.chaos import journal
from tests.chaos.pooler import Pooler
from tests.chaos.proxy import Proxy
from tests.chaos.scene import Scene
from tests.conftest import ROOT
from tests.processes import CommandProcess

from .revisions import HERE, Code

_TEAM = ("--processes", "2", "--threads", "2", "--coroutines", "2", "--grace", "5")


@dataclass
class Side(Scene):
    """Both sides write into the same journals, in the directory of the deploy."""

    code: Code = HERE

    def __post_init__(self) -> None:
        self.calls = self.directory / "calls.jsonl"
        self.runs = self.directory / "runs.jsonl"
        self.orders = self.directory / "orders"
        self.called = 0
        # How many enqueue at once.
        self.crowd = 1

    @property
    def letter(self) -> str:
        """How the names of this side's callers begin, and so their keys."""
        return "n" if self.code == HERE else "o"

    def environment(
        self,
        way: Proxy | Pooler | None = None,
        wanted: dict[str, Any] | None = None,
    ) -> dict[str, str]:
        # Nobody is harmed from within, and all clocks are right: the old code may not
        # have the same points to take hold of.
        environment = super().environment(way, {})
        environment["BGTASKS_CHAOS_ORDERS"] = ""
        environment["BGTASKS_CHAOS_SABOTAGE"] = ""
        environment["DJANGO_SETTINGS_MODULE"] = "tests.upgrades.settings"
        if self.code.path is not None:
            # Before all else; and the directory that it is started in does not count.
            path = [str(self.code.path), str(ROOT), os.environ.get("PYTHONPATH", "")]
            environment["PYTHONPATH"] = os.pathsep.join(path)
            environment["PYTHONSAFEPATH"] = "1"
            environment["BGTASKS_UPGRADE_FROM"] = str(self.code.path)
        return environment

    # -- who works ----------------------------------------------------------

    def start_team(self) -> Worker:
        team: Worker = self._start(Worker, "runworker", *_TEAM)
        self.teams.append(team)
        return team

    def start_beat(self) -> None:
        if self.code.has_beat:
            self.beats.append(self._start(CommandProcess, "runbeat"))

    def call(self) -> None:
        """Have so many enqueue as there should be; others go on for who has ended."""
        for name, caller in list(self.callers.items()):
            if caller.is_running():
                continue
            if caller.wait():
                raise RuntimeError(f"A caller failed:\n{caller.last_words}")
            del self.callers[name]
        while len(self.callers) < self.crowd:
            self.called += 1
            self.start_caller(f"{self.letter}{self.called}", self.plan.jobs)

    def all_work(self) -> bool:
        self.learn()
        return all(len(team.processes()) == 2 for team in self.teams)

    def pids(self) -> set[int]:
        """All that ever belonged to this side's teams."""
        self.learn()
        return {pid for family in self.families.values() for pid in family}

    def calling(self) -> list[CommandProcess]:
        return [each for each in self.callers.values() if each.is_running()]

    # -- what is seen of it -------------------------------------------------

    def has_run_jobs_of(self, other: Side) -> int:
        """Return how many attempts of the other side's jobs it has ended."""
        mine, whose = self.pids(), f"-{other.letter}"
        return sum(
            line["what"] == "ended" and line["pid"] in mine and whose in line["key"]
            for line in journal.read(self.runs)
        )

    def has_rows(self, pids: frozenset[int]) -> bool:
        return Process.objects.filter(pid__in=pids).exists()

    def is_of(self) -> Path:
        """Return where its processes import the package from."""
        return Path(self._python("import django_bgtasks as b; print(b.__file__)"))

    # -- tables -------------------------------------------------------------

    def migrate(self) -> None:
        """Make the tables as this side knows them."""
        self._run("-m", "django", "migrate", "--run-syncdb", "-v0")

    def migrate_to_and_fro(self, rounds: int, older: str) -> CommandProcess:
        """Begin to bring the tables to this side's state; see ``migrate``."""
        words = [str(rounds), older, *filter(None, [self.plan.sabotage])]
        process: CommandProcess = self._start(
            CommandProcess, *words, module="tests.upgrades.migrate"
        )
        return process

    def _python(self, source: str) -> str:
        return self._run("-c", source)

    def _run(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, *arguments],
            env=self.environment(),
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise RuntimeError(f"{arguments}:\n{done.stdout}{done.stderr}")
        return done.stdout.strip()
