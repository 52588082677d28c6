"""The claims and finishes of a worker process, without the jobs between them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from types import TracebackType

from django.db import connection

from django_bgtasks.lifecycle import run
from django_bgtasks.lifecycle.outcome import SUCCEEDED, ClaimedJob, Outcome
from django_bgtasks.models import Process
from django_bgtasks.processes.claims import Claims
from django_bgtasks.processes.config import WorkerConfig
from django_bgtasks.processes.rota import Rota
from django_bgtasks.upkeep import presence
from django_bgtasks.vendors import vendor_of


class Claimant:
    """Takes the turns of a worker; every job it claims has succeeded at once."""

    def __init__(self, queues: Sequence[str] = ("default",)) -> None:
        self.vendor = vendor_of(connection)
        self._queues = tuple(queues)
        self._outcomes: list[Outcome] = []

    def __enter__(self) -> Claimant:
        self.vendor.prepare_worker()
        self.vendor.prepare_claims()
        name = presence.unique_name("growth")
        arrival = presence.Arrival(Process.Kind.WORKER, name, 1)
        self.owner = run.Owner(presence.arrive(self.vendor, arrival), name)
        config = WorkerConfig(queues=self._queues)
        self._rota = Rota.create()
        self.claims = Claims(config, self.vendor, self.owner, set(), self._rota)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.claims.turn(self._outcomes, 0, time.monotonic())
        Process.objects.filter(pk=self.owner.id).delete()
        self._rota.close()
        # What a session was told for claims is for nobody else.
        connection.close()

    def forget(self) -> None:
        """Have what the last turn claimed not be finished: it was rolled back."""
        self._outcomes = []

    def turn(self, limit: int) -> tuple[list[ClaimedJob], float]:
        """Finish what the last turn claimed and claim ``limit`` more, in one exchange.

        Return the jobs and the seconds it took.
        """
        before = time.perf_counter()
        turn = self.claims.turn(self._outcomes, limit, time.monotonic())
        seconds = time.perf_counter() - before
        assert len(turn.written) == len(self._outcomes)
        self._outcomes = [_succeeded(job) for job in turn.claimed]
        return turn.claimed, seconds


def _succeeded(job: ClaimedJob) -> Outcome:
    moment = job.seconds(job.claimed_clock)
    return Outcome(job, SUCCEEDED, began=moment, ended=moment, return_value="1")
