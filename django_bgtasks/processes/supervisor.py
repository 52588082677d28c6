"""The supervisor: keeps workers alive, and runs no task itself.

It says that they live, rescues the jobs of the dead (its own at once, those of
other hosts when they fall silent), prunes, folds figures, and stops everything in
order.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from ..compat import task_backends
from ..lifecycle.enqueue import CHANNEL, JOB
from ..log import one_line
from ..signals import jobs_rescued
from ..upkeep import presence, rescue
from ..vendors import OUTAGES, vendor_of
from ..vendors.keepalive import notice_lost_servers
from . import crew
from .chores import Chores
from .config import EXIT_RECYCLE, EXIT_STUCK, WorkerConfig
from .control import Order
from .memory import resident_bytes
from .outage import LONGEST_PAUSE, Outage
from .rota import Rota
from .stop_signals import STOP_SIGNALS, StopSignals

logger = logging.getLogger("django_bgtasks.supervisor")

_TICK = 0.5
# Beyond the grace, for a worker to write what it gives back.
_LAST_WORDS = 5.0


class Supervisor:
    """Run with ``run()``; it returns when all workers have ended."""

    def __init__(self, config: WorkerConfig) -> None:
        backend: Any = task_backends[config.backend]
        self.config = config
        self.backend = backend
        self.options = backend.settings
        self.vendor = vendor_of(backend.connection)
        self.name = presence.unique_name(config.name)
        self.members: list[crew.Member] = []
        self.to_start: dict[int, float] = {}
        self.to_rescue: list[rescue.Death] = []
        self.pauses = crew.Pauses()
        self.rota = Rota.create()
        self.chores = Chores(self.vendor, self.options)
        self.outage = Outage(self.vendor)
        self.process_id: int | None = None
        self.started = 0
        self.stop = StopSignals()
        self.failed = False
        self.kill_at: float | None = None
        self.stopped_workers = False
        self._next_beat = self._next_try = self._next_search = 0.0
        # The database's time at the last heartbeat.
        self._now: datetime | None = None
        self._beaten_at = time.monotonic()

    def run(self) -> int:
        """Supervise until stopped; return 0, or 1 if a burst left a crash."""
        notice_lost_servers()
        with self.stop:
            self._supervise()
        # A worker that serves has made good what crashed; a burst ends with it.
        return int(self.failed and self.config.burst)

    def ask_to_stop(self) -> None:
        """Note that it is to stop; safe from any thread."""
        self.stop.ask()

    def _supervise(self) -> None:
        logger.info("Starting; worker processes: %d.", self.config.processes)
        self._start_all()
        while not self._is_over():
            self._attempt(self._round)
            self.stop.wait(_TICK)
        # Now or never, whatever pause an outage has left.
        self._next_try = 0.0
        self._attempt(self._leave)

    def _round(self) -> None:
        clock = time.monotonic()
        self._lead(clock)
        if clock >= self._next_beat:
            self._next_beat = clock + self.options.heartbeat.total_seconds()
            self._beat(clock)
        self._rescue()
        self._start_due(clock)
        if self._now is not None and not self.to_rescue:
            self.chores.do(clock, self._now)

    def _lead(self, clock: float) -> None:
        """Do what needs no database."""
        self._obey(clock)
        self._replace_retired(clock)
        self._bury_dead(clock)
        self._end_overdue(clock)

    def _attempt(self, work: Callable[[], None]) -> None:
        """Do what may need the database; without one the workers are still led."""
        if time.monotonic() < self._next_try:
            self._lead(time.monotonic())
            return
        try:
            if self.outage.must_recover:
                self.vendor.prepare_worker()
                self.outage.recovered()
            work()
            self.outage.over()
        except OUTAGES as error:
            self._next_try = time.monotonic() + self.outage.note(error)
            self._spare_others()

    # -- the workers --------------------------------------------------------

    def _start_all(self, *, after_beat: bool = False) -> None:
        """Start the workers, and a beat if asked; in a burst, that one first."""
        beat = self.config.beat and not after_beat
        if not (beat and self.config.burst):
            self.to_start = dict.fromkeys(range(self.config.processes), 0.0)
        if beat:
            self.to_start[crew.BEAT] = 0.0

    def _start_due(self, clock: float) -> None:
        if self.stop.count:
            return
        for number in [each for each, at in self.to_start.items() if clock >= at]:
            self.started += 1
            name = f"{self.name}.{self.started}"
            kind = "beat" if number == crew.BEAT else "worker"
            process_id = presence.arrive(
                self.vendor, self._arrival(kind, name, os.getpid())
            )
            member = crew.start(self.config, self.rota, process_id, name, number)
            self.members.append(member)
            del self.to_start[number]
            presence.set_pid(self.vendor, process_id, member.popen.pid)

    def _replace_retired(self, clock: float) -> None:
        """Start others for those that only end what they run, which may take long."""
        for member in self.members:
            if member.board.is_retired and not (member.is_replaced or self.stop.count):
                logger.info("Worker %s is replaced by a fresh one.", member.name)
                member.is_replaced = True
                self.to_start[member.number] = clock

    def _bury_dead(self, clock: float) -> None:
        for member in list(self.members):
            code = member.popen.poll()
            if code is None:
                continue
            self.members.remove(member)
            self.to_rescue.append(member.bury(code))
            stopped = bool(self.stop.count) and -code in STOP_SIGNALS
            if code not in crew.IN_ORDER and not stopped:
                self.failed = self.failed or code != EXIT_STUCK
                logger.error("Worker %s %s.", member.name, crew.describe_exit(code))
            # A beat that met an error says so by 1, and would meet it again.
            is_beat = member.number == crew.BEAT
            is_done = self.config.burst and code in ((0, 1) if is_beat else (0,))
            if self.stop.count or is_done or member.is_replaced:
                if is_done and is_beat and not self.stop.count:
                    self._start_all(after_beat=True)
                continue
            if code == EXIT_RECYCLE:
                logger.info("Worker %s is replaced by a fresh one.", member.name)
            pause = self.pauses.after(member, code)
            self.to_start[member.number] = clock + pause

    def _rescue(self) -> None:
        held = []
        while self.to_rescue:
            death = self.to_rescue[0]
            rescued = rescue.rescue(self.vendor, death, self.options)
            self.to_rescue.pop(0)
            if rescued:
                self._tell_of(death, rescued)
            if rescued.held and death.started is not None:
                # The server has yet to notice that this process of its own ended.
                # What others hold is found again, however long that takes.
                held.append(death)
        self.to_rescue = held

    def _tell_of(self, death: rescue.Death, rescued: rescue.Rescued) -> None:
        logger.warning(
            "Rescued from %s: %d jobs are ready again, %d failed.",
            one_line(death.name),
            len(rescued.ready),
            len(rescued.failed),
        )
        self.vendor.notify(CHANNEL, JOB)
        ids = [str(job) for job in rescued.ready + rescued.failed]
        jobs_rescued.send_robust(type(self.backend), job_ids=ids, process=death.name)

    def _end_overdue(self, clock: float) -> None:
        """Kill a worker that a task keeps from minding its own time limits."""
        grace = 2 * self.options.timeout_grace.total_seconds() + 1
        for member in self.members:
            if member.killed_for is None and member.overdue(clock, grace):
                logger.error("Worker %s outstays a timeout and is killed.", member.name)
                member.killed_for = clock
                member.kill()

    # -- the heartbeat ------------------------------------------------------

    def _beat(self, clock: float) -> None:
        if self.process_id is None:
            arrival = self._arrival("supervisor", self.name, os.getpid())
            self.process_id = presence.arrive(self.vendor, arrival)
        pids = {member.process_id: member.popen.pid for member in self.members}
        memory = {each: resident_bytes(pid) for each, pid in pids.items()}
        memory[self.process_id] = resident_bytes()
        now = self._now = self.vendor.now()
        present = presence.beat(self.vendor, memory.keys(), memory, now)
        for member in self.members:
            if member.process_id not in present:
                # Its jobs were given to others; what it still does is in vain.
                logger.error("Worker %s was taken for dead.", member.name)
                member.kill()
                continue
            member.board.vouch(clock)
            if present[member.process_id]:
                member.tell(Order.STOP)
        if self.process_id not in present:
            self.process_id = None
        elif present[self.process_id]:
            self.ask_to_stop()
        if clock - self._beaten_at > self.options.rescue_after.total_seconds():
            self._spare_others()
        self._beaten_at = clock
        if clock >= self._next_search:
            silence = self.options.silence
            self.to_rescue += rescue.find_dead(self.vendor, silence, now)

    def _spare_others(self) -> None:
        """Look for no dead until all had time to say that they live.

        The others were silent for the same reason: the database was away, or
        the host stood still.
        """
        pause = self.options.rescue_after.total_seconds() + LONGEST_PAUSE + _TICK
        self._next_search = time.monotonic() + pause

    def _arrival(self, kind: str, name: str, pid: int) -> presence.Arrival:
        queues = self.config.queues or tuple(sorted(self.backend.queues))
        capacity = self.config.threads + self.config.coroutines
        return presence.Arrival(
            kind=kind,
            name=name,
            pid=pid,
            parent_id=self.process_id,
            queues=queues,
            capacity=capacity if kind == "worker" else 0,
        )

    # -- stopping -----------------------------------------------------------

    def _obey(self, clock: float) -> None:
        if self.stop.count and not self.stopped_workers:
            logger.info(
                "Stopping: running jobs may end within %g s.", self.config.grace
            )
            self.stopped_workers = True
            self.to_start.clear()
            self.kill_at = clock + self.config.grace + _LAST_WORDS
            for member in self.members:
                member.tell(Order.STOP)
        if self.stop.count > 1 and self.stopped_workers is True and self.kill_at:
            self._stop_at_once(clock)
        if self.kill_at is not None and clock >= self.kill_at:
            for member in self.members:
                member.kill()

    def _stop_at_once(self, clock: float) -> None:
        self.kill_at = min(self.kill_at or clock, clock + _LAST_WORDS)
        for member in self.members:
            member.tell(Order.NOW)
        self.stop.count = 1

    def _is_over(self) -> bool:
        if self.members or self.to_start:
            return False
        return not self.to_rescue or bool(self.stop.count)

    def _leave(self) -> None:
        self._rescue()
        if self.process_id is not None:
            presence.leave(self.vendor, self.process_id)
