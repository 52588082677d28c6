"""What a trial is."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any, ClassVar

from django.db import transaction

from tests.testapp.models import Effect

from .. import journal, tasks
from ..figure import Figure
from ..ledger import Blow, Run, pair

if TYPE_CHECKING:
    from ..scene import Scene

EVERY = ("sqlite", "postgresql", "mariadb")
_PATIENCE = 60.0
_IN_STORE = 8


@dataclass
class Trial:
    """One fault, done to a scene at rest. ``perform`` returns what it measured.

    What was wrong beside the figures goes to ``wrong``; what was struck, to ``blows``.
    """

    name: ClassVar[str]
    vendors: ClassVar[tuple[str, ...]] = EVERY
    teams: ClassVar[int] = 2
    beats: ClassVar[int] = 0
    # What the workers are told otherwise than in the other runs.
    options: ClassVar[dict[str, Any]] = {}

    scene: Scene
    wrong: list[str] = field(default_factory=list)
    blows: list[Blow] = field(default_factory=list)
    numbers: Any = field(default_factory=lambda: count(1))

    def perform(self) -> list[Figure]:
        raise NotImplementedError

    def ask(self, task: Any, *arguments: Any, times: int = 1) -> set[str]:
        """Enqueue so many jobs, as callers do, and return their keys."""
        kind = task.func.__name__.replace("_", "-")
        keys = [f"{kind}-{self.name}-{next(self.numbers)}" for _ in range(times)]
        with transaction.atomic():
            for key in keys:
                Effect.objects.create(key=f"asked:{key}")
                task.enqueue(key, *arguments)
        return set(keys)

    def runs(self, keys: Collection[str]) -> dict[str, list[Run]]:
        """Return the attempts of these that have begun, as the journal has them."""
        found = pair(
            line for line in journal.read(self.scene.runs) if line["key"] in keys
        )
        return {
            key: sorted(runs, key=lambda run: run.began) for key, runs in found.items()
        }

    def all_begun(self, keys: Collection[str]) -> dict[str, list[Run]]:
        """Wait until each of these has begun."""
        return self.wait(
            lambda: found if len(found := self.runs(keys)) == len(keys) else {},
            f"{len(keys)} jobs to begin",
        )

    def workers(self) -> set[int]:
        return {each.pid for team in self.scene.teams for each in team.processes()}

    def all_at_work(self) -> float:
        """Have each worker process begin a job; return when the last one did."""
        first: dict[int, float] = {}
        keys: set[str] = set()
        unbegun: set[str] = set()

        def look() -> bool:
            nonlocal unbegun
            if len(unbegun) < _IN_STORE:
                keys.update(self.ask(tasks.held, 0.3, times=_IN_STORE))
            runs = self.runs(keys)
            unbegun = keys - runs.keys()
            for run in (run for some in runs.values() for run in some):
                first[run.pid] = min(first.get(run.pid, run.began), run.began)
            return (
                len(self.workers())
                == 2 * self.teams
                <= len(self.workers() & first.keys())
            )

        self.wait(look, "each worker process to run a job")
        self.wait(lambda: self.have_ended(keys), "the jobs to end")
        return max(first[pid] for pid in self.workers())

    def have_ended(self, keys: Collection[str]) -> bool:
        """Whether the last attempt of each of these has ended."""
        runs = self.runs(keys)
        ends = [runs[key][-1].ended is not None for key in keys if key in runs]
        return len(ends) == len(keys) and all(ends)

    def torn(self, keys: Collection[str], pids: Collection[int]) -> list[Run]:
        """Return the attempts in these processes that have not ended."""
        last = [some[-1] for some in self.runs(keys).values()]
        torn = [run for run in last if run.pid in pids and run.ended is None]
        if not torn:
            self.wrong.append("nothing ran in what was struck")
        return torn

    def begun_again(self, runs: Iterable[Run]) -> dict[str, float]:
        """Wait until the jobs of these attempts run again; return when they did."""
        torn = {run.key: run for run in runs}

        def look() -> dict[str, float]:
            found = self.runs(torn)
            later = {
                key: run.began
                for key, runs in found.items()
                for run in reversed(runs)
                if run.attempt > torn[key].attempt
            }
            return later if len(later) == len(torn) else {}

        return self.wait(look, f"{sorted(torn)} to run again") if torn else {}

    def wait(self, look: Callable[[], Any], what: str) -> Any:
        end = time.monotonic() + _PATIENCE
        while not (found := look()):
            if time.monotonic() > end:
                raise RuntimeError(f"Waited {_PATIENCE:g} s for {what}.")
            time.sleep(0.02)
        return found
