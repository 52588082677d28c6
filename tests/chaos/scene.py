"""The scene of a run: a server, and who works on it."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import sys
import time
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from typing import Any

import psutil

from tests import databases
from tests.acceptance.workers import Worker
from tests.conftest import ROOT
from tests.processes import CommandProcess

from . import journal
from .cables import Cable
from .disk import Refused
from .pooler import Pooler
from .proxy import Network, Proxy
from .servers import NAME, USER, PostgreSQL, Server

# A process that is silent for so long is dead; less, and a busy machine kills.
RESCUE_AFTER = 5.0
_TEAM = ("--processes", "2", "--coroutines", "2", "--grace", "2")
# Jobs a second that a thread gets done: some of them sleep, on purpose.
_PER_THREAD = 3.0
_CRASH = re.compile(r"^ERROR .* crashed\.$")
# Seconds that a caller's clock is fast, at most.
_LATEST = 5


@dataclass(frozen=True)
class Plan:
    """What a run is: the same plan and seed give the same load and faults."""

    vendor: str
    faults: tuple[str, ...]
    seed: int
    jobs: int
    rate: float
    every: float
    through: str = ""
    sabotage: str = ""
    tasks: str = ""
    # What the workers are told otherwise, as items.
    options: tuple[tuple[str, Any], ...] = ()
    teams: int = 2
    beats: int = 2
    callers: int = 2
    # After so long the callers are stopped, whatever is left to enqueue.
    seconds: float = inf

    @property
    def threads(self) -> int:
        """How many each worker process has, so that the load is kept up with."""
        return max(2, round(self.rate / _PER_THREAD / (2 * self.teams)))


@dataclass
class Scene:
    """Supervisors with their processes, beats and callers, replaced as they fall."""

    plan: Plan
    server: Server
    directory: Path
    chance: random.Random = field(init=False)
    teams: list[Worker] = field(default_factory=list)
    beats: list[CommandProcess] = field(default_factory=list)
    callers: dict[str, CommandProcess] = field(default_factory=dict)
    everybody: list[CommandProcess] = field(default_factory=list)
    # The pids that each supervisor has had under it, and its own.
    families: defaultdict[int, set[int]] = field(
        default_factory=lambda: defaultdict(set)
    )
    wanted: dict[str, Any] = field(default_factory=dict)
    more_tasks: str = ""
    network: Network | None = None
    # The way of each supervisor, with all that it starts.
    ways: dict[int, Proxy] = field(default_factory=dict)
    has_cables: bool = False
    # The cable of each supervisor.
    cables: dict[int, Cable] = field(default_factory=dict)
    pooler: Pooler | None = None
    # What faults have set up, to be removed in the end.
    to_remove: list[Any] = field(default_factory=list)
    is_ending: bool = False
    # Whether the callers were told to stop.
    is_over: bool = False
    _learnt: float = -inf

    def __post_init__(self) -> None:
        self.chance = random.Random(self.plan.seed)
        self.calls = self.directory / "calls.jsonl"
        self.runs = self.directory / "runs.jsonl"
        self.orders = self.directory / "orders"
        self.orders.mkdir(parents=True)

    # -- the way to the database --------------------------------------------

    def lead_through_proxy(self) -> None:
        if self.server.socket is None:
            raise Refused("no network leads to this database")
        self.network = Network(self.server.socket, self.plan.seed)

    def lead_through_cables(self) -> None:
        """Give each team a host of its own, from which a cable leads to the proxy."""
        trial = Cable()
        trial.lay()
        trial.remove()
        self.has_cables = True

    def lead_through_pooler(self) -> None:
        if not isinstance(self.server, PostgreSQL):
            raise Refused("PgBouncer is for PostgreSQL")
        self.pooler = Pooler(self.server)
        self.pooler.start()

    def entry(self, way: Proxy | Pooler | None) -> dict[str, Any]:
        """The entry of DATABASES of a host whose way to the server this is."""
        direct = self.server.entry()
        if way is None:
            return direct
        return {
            "ENGINE": direct["ENGINE"],
            "NAME": NAME,
            "USER": USER,
            "HOST": way.address,
            "PORT": str(way.port),
            "OPTIONS": {},
        }

    def environment(
        self, way: Proxy | Pooler | None, wanted: dict[str, Any]
    ) -> dict[str, str]:
        options = {
            "TASK_MODULES": ["tests.chaos.tasks", "tests.acceptance.hostile"],
            "RESCUE_AFTER": RESCUE_AFTER,
            "HEARTBEAT": 0.5,
            # Faults hit a job more often than any poison does.
            "MAX_LOST": 1000,
            **dict(self.plan.options),
        }
        entry = self.entry(way)
        told = {"options": options, **self.wanted, **wanted}
        return {
            **os.environ,
            "BGTASKS_TEST_DATABASE_URL": databases.to_url(entry),
            "BGTASKS_TEST_WANTED": json.dumps(told),
            "BGTASKS_CHAOS_RUNS": str(self.runs),
            "BGTASKS_CHAOS_ORDERS": str(self.orders),
            "BGTASKS_CHAOS_SABOTAGE": self.plan.sabotage,
            "DJANGO_SETTINGS_MODULE": "tests.chaos.settings",
            "PYTHONPATH": os.pathsep.join(
                [str(ROOT), os.environ.get("PYTHONPATH", "")]
            ),
            "PYTHONUNBUFFERED": "1",
        }

    # -- who works ----------------------------------------------------------

    def start_callers(self) -> None:
        for number in range(self.plan.callers):
            jobs = self.plan.jobs // self.plan.callers
            self.start_caller(f"{chr(97 + number)}0", jobs)

    def refill(self) -> None:
        """Replace who has fallen, and learn who is there."""
        self.teams = [team for team in self.teams if team.is_running()]
        self.beats = [beat for beat in self.beats if beat.is_running()]
        while len(self.teams) < self.plan.teams:
            threads = ("--threads", str(self.plan.threads))
            self.teams.append(self._start_team("runworker", *_TEAM, *threads))
        while len(self.beats) < self.plan.beats and not self.is_ending:
            self.beats.append(self._start(CommandProcess, "runbeat"))
        for name, caller in list(self.callers.items()):
            if not caller.is_running():
                self._replace_caller(name, caller)
        if clock() - self._learnt > 0.5:
            self.learn()

    def learn(self) -> None:
        """Learn who belongs to whom. It costs a look at all processes there are."""
        self._learnt = clock()
        for team in self.teams:
            self.families[team.pid].add(team.pid)
            with suppress(psutil.Error):
                self.families[team.pid].update(each.pid for each in team.children())

    def _start_team(self, *arguments: str) -> Worker:
        if not self.has_cables:
            return self._start(Worker, *arguments)  # type: ignore[no-any-return]
        cable = Cable()
        cable.lay()
        team: Worker = self._start(Worker, *arguments, cable=cable)
        self.cables[team.pid] = cable
        return team

    def start_caller(self, name: str, jobs: int) -> None:
        rate = self.plan.rate / self.plan.callers
        tasks = self.plan.tasks or self.more_tasks
        arguments = (self.plan.seed, name, jobs, rate, self.calls, tasks)
        # A delay is counted from the caller's clock: an hour's error is an hour.
        late = min(self.wanted.get("host_clock", 0), _LATEST)
        caller = self._start(
            *(CommandProcess, *map(str, arguments)),
            module="tests.chaos.caller",
            wanted={"host_clock": late},
        )
        caller.jobs = jobs  # type: ignore[attr-defined]
        self.callers[name] = caller

    def _replace_caller(self, name: str, caller: CommandProcess) -> None:
        del self.callers[name]
        if code := caller.wait():
            if self.is_over and code in (-signal.SIGKILL, -signal.SIGTERM):
                return
            if code > 0:
                raise RuntimeError(f"A caller failed:\n{caller.last_words}")
            # It was killed. The next one has a name, and so keys, of its own.
            jobs = caller.jobs - self._asked_by(caller.pid)  # type: ignore[attr-defined]
            self.start_caller(f"{name[0]}{int(name[1:]) + 1}", max(jobs, 5))

    def stop_callers(self) -> None:
        """Have them do what they have begun, and no more."""
        if not self.is_over:
            self.is_over = True
            for caller in self.callers.values():
                caller.send_signal(signal.SIGTERM)

    def _asked_by(self, pid: int) -> int:
        lines = (line for line in journal.read(self.calls) if line["pid"] == pid)
        keys = (key for line in lines for key in line.get("keys", ()))
        return max((int(key.rpartition("-")[2]) for key in keys), default=0)

    def _start(
        self,
        kind: Any,
        *arguments: str,
        wanted: dict[str, Any] | None = None,
        cable: Cable | None = None,
        **more: Any,
    ) -> Any:
        way = None
        if cable is not None:
            more["through"] = cable.through
        if self.network is not None:
            way = self.network.connect(*[cable.here] if cable else [])
        environment = self.environment(way or self.pooler, wanted or {})
        process = kind(*arguments, environment=environment, **more)
        self.everybody.append(process)
        if way is not None:
            self.ways[process.pid] = way
        return process

    def family(self, pid: int) -> frozenset[int]:
        """All that fall, or orphans become, with this process."""
        return frozenset({pid, *self.families.get(pid, ())})

    # -- the end ------------------------------------------------------------

    def crashes(self) -> list[str]:
        """Say who met an error that it did not know what to do with."""
        found = []
        for process in self.everybody:
            lines = process.lines
            for number in [n for n, line in enumerate(lines) if _CRASH.search(line)]:
                story = "\n".join(lines[number : number + 40])
                found.append(f"process {process.pid} or one of its own: {story}")
        return found

    def stop(self, processes: list[Any]) -> list[str]:
        """Stop them in order, and say what was not."""
        wrong = []
        for process in processes:
            if process.is_running():
                process.send_signal(signal.SIGTERM)
        for process in processes:
            name = f"process {process.pid}"
            try:
                # One that has hardly begun ends by the signal itself.
                if (code := process.wait(60)) not in (0, -signal.SIGTERM):
                    wrong.append(f"{name} ended with {code}: {process.last_words}")
            except AssertionError as error:
                wrong.append(f"{name} does not end: {error}")
        return wrong

    def close(self) -> None:
        """Leave nothing running, and the logs behind."""
        for process in self.everybody:
            with suppress(Exception):
                process.send_signal(signal.SIGCONT)
            process.kill()
            log = self.directory / f"{process.pid}.log"
            log.write_text(process.output + "\n")
        self._end_orphans()
        for each in (*self.cables.values(), *self.to_remove):
            each.remove()
        if self.network is not None:
            self.network.close()
        if self.pooler is not None:
            self.pooler.crash()

    def _end_orphans(self) -> None:
        """End what was left behind, such as the forks of hostile tasks."""
        for process in psutil.process_iter():
            with suppress(psutil.Error, OSError):
                if process.environ().get("BGTASKS_CHAOS_RUNS") == str(self.runs):
                    process.kill()


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def clock() -> float:
    return time.monotonic()
