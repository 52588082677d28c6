"""Another queue, asked through an agent that has its packages."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db import connection

from benchmarks.loops import Moments
from benchmarks.peers import environment
from benchmarks.peers.catalogue import Peer
from benchmarks.peers.client import Agent
from benchmarks.workers import WorkerProcess
from tests.databases import to_url

from .base import Workforce

_SECONDS_TO_START = 60
# For what a worker does once after its first job, and for its other processes.
_SECONDS_TO_SETTLE = 3


class PeerSubject:
    """A peer of the catalogue, with a database of its own beside the run's."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        self.name = peer.name
        self.servers = peer.servers
        self.jobs = peer.jobs
        self._python: Path = environment.prepared(peer)
        settings = connection.settings_dict
        self._database = f"{settings['NAME']}_{peer.name.replace('-', '_')}"
        self._environment = {
            # Ours is none of its business.
            "DJANGO_SETTINGS_MODULE": "",
            "BGTASKS_BENCH_PEER_DATABASE_URL": to_url(
                {**settings, "NAME": self._database}
            ),
            **peer.environment,
        }
        self._agent: Agent | None = None
        self._is_set_up = False

    def set_up(self) -> None:
        if connection.vendor == "postgresql":
            self._execute(f'CREATE DATABASE "{self._database}"')
        module = f"benchmarks.peers.{self._peer.module}"
        self._agent = Agent(self._python, module, self._environment)
        self._ask("set_up")
        self._is_set_up = True

    def tear_down(self) -> None:
        try:
            # What it found there may be others'.
            if self._is_set_up:
                self._ask("tear_down")
        finally:
            if self._agent is not None:
                self._agent.close()
            if connection.vendor == "postgresql":
                name = f'"{self._database}"'
                self._execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def _ask(self, name: str, *args: Any, **kwargs: Any) -> Any:
        assert self._agent is not None
        return self._agent.call(name, *args, **kwargs)

    def versions(self) -> dict[str, str]:
        found: dict[str, str] = self._ask("versions")
        return found

    def can(self, part: str) -> bool:
        return self._peer.can(part)

    def clear(self) -> None:
        self._ask("clear")

    def enqueue_each(self, task: str, values: Sequence[float], **how: Any) -> Moments:
        return [
            (before, after)
            for before, after in self._ask("enqueue_each", task, list(values), **how)
        ]

    def enqueue_many(self, task: str, values: Sequence[float]) -> float:
        return float(self._ask("enqueue_many", task, list(values)))

    def rest(self) -> None:
        self._ask("rest")

    def worker(self, workforce: Workforce) -> WorkerProcess:
        return WorkerProcess(
            *self._peer.workers[workforce.work],
            python=str(self._python),
            environment={
                **self._environment,
                **self._peer.varying.get(workforce.work, {}),
            },
        )

    def await_idle(self, worker: WorkerProcess, workforce: Workforce) -> None:
        # Stamps are told by their numbers; this is none of those that are awaited.
        self._ask("enqueue_each", "noop", [0])
        deadline = time.monotonic() + _SECONDS_TO_START
        while not self._ask("is_drained", 1):
            worker.check()
            if time.monotonic() > deadline:
                raise TimeoutError("The worker did not start in time.")
            time.sleep(0.05)
        time.sleep(_SECONDS_TO_SETTLE)

    def is_drained(self, count: int) -> bool:
        return bool(self._ask("is_drained", count))

    def span(self) -> tuple[datetime, datetime] | None:
        return None

    @staticmethod
    def _execute(statement: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(statement)
