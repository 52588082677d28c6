"""Who takes part: a worker with its processes, a beat, a caller and a site."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from tests.acceptance.workers import Worker
from tests.chaos.servers import Server
from tests.conftest import ROOT
from tests.processes import CommandProcess

from .plan import Plan

_TEAM = ("--processes", "2", "--threads", "4", "--coroutines", "20")


@dataclass
class Crew:
    plan: Plan
    server: Server
    directory: Path
    members: dict[str, CommandProcess] = field(default_factory=dict)
    # Which processes have been seen, by their names: one that is replaced has two.
    seen: dict[str, list[int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        self.calls = self.directory / "calls.jsonl"
        self.runs = self.directory / "runs.jsonl"

    def start(self) -> None:
        self._start("worker", "runworker", *_TEAM, kind=Worker)
        self._start("beat", "runbeat")
        self._start("site", module="tests.soak.visitor", BGTASKS_SOAK_SITE="1")
        load = map(str, (self.plan.seed, self.plan.rate, self.calls))
        self._start("caller", *load, module="tests.soak.caller")

    def _start(
        self,
        name: str,
        *arguments: str,
        kind: Any = CommandProcess,
        module: str = "django",
        **more: str,
    ) -> None:
        options = {
            "TASK_MODULES": ["tests.soak.tasks"],
            "RETENTION": self.plan.retention,
            "TICK_RETENTION": self.plan.retention,
        }
        environment = {
            **os.environ,
            "BGTASKS_TEST_DATABASE_URL": self.server.url,
            "BGTASKS_TEST_WANTED": json.dumps({"options": options}),
            "BGTASKS_CHAOS_RUNS": str(self.runs),
            "BGTASKS_CHAOS_SABOTAGE": self.plan.sabotage,
            "DJANGO_SETTINGS_MODULE": "tests.soak.settings",
            # By which the server tells whose a connection is.
            "PGAPPNAME": name,
            "PYTHONPATH": os.pathsep.join(
                [str(ROOT), os.environ.get("PYTHONPATH", "")]
            ),
            **more,
        }
        self.members[name] = kind(*arguments, environment=environment, module=module)

    def processes(self) -> dict[str, psutil.Process]:
        """Return all that live, by their names."""
        found = dict(self._living())
        for name, process in found.items():
            pids = self.seen.setdefault(name, [])
            if process.pid not in pids:
                pids.append(process.pid)
        return found

    def _living(self) -> Iterator[tuple[str, psutil.Process]]:
        for name, member in self.members.items():
            if not isinstance(member, Worker):
                with suppress(psutil.NoSuchProcess):
                    yield name, psutil.Process(member.pid)
                continue
            with suppress(psutil.NoSuchProcess):
                yield "supervisor", psutil.Process(member.pid)
            for number, process in enumerate(member.processes(), 1):
                yield f"worker {number}", process

    def troubles(self) -> list[str]:
        """Say who has fallen, and whom somebody else had to replace."""
        fallen = [
            f"{name} has ended with {member.wait()}: {member.last_words}"
            for name, member in self.members.items()
            if not member.is_running()
        ]
        replaced = [
            f"{name} was replaced: {pids}"
            for name, pids in self.seen.items()
            if len(pids) > 1
        ]
        return fallen + replaced

    def stop(self, name: str) -> list[str]:
        """Ask one to end, and say if it does not do so in order."""
        member = self.members[name]
        member.send_signal(signal.SIGTERM)
        try:
            code = member.wait(60)
        except AssertionError as error:
            return [f"{name}: {error}"]
        return [f"{name} ended with {code}: {member.last_words}"] if code else []

    def close(self) -> None:
        """Leave nothing running, and the logs behind."""
        for name, member in self.members.items():
            member.kill()
            (self.directory / f"{name}.log").write_text(member.output + "\n")
