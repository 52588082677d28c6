"""A worker process: claims, has jobs run, and writes how they ended.

This thread alone talks to the queue's tables, over one connection. Each turn
writes the outcomes that have gathered and claims the next jobs, in one
transaction; while it is under way the next outcomes gather. Nothing waits for a
timer that could be done now.
"""

from __future__ import annotations

import logging
import time
from math import inf
from typing import Any

from ..compat import task_backends
from ..lifecycle import operate, report, run
from ..lifecycle.enqueue import CANCEL, CHANNEL, DEFERRED
from ..lifecycle.outcome import RELEASED, RETRY, Outcome
from ..vendors import ANYTHING, OUTAGES, vendor_of
from .announcer import Announcer
from .board import Board
from .claims import Claims
from .config import EXIT_GONE, EXIT_RECYCLE, EXIT_STUCK, ChildConfig
from .control import Control, Order
from .deferred import Deferred
from .desk import Desk
from .fullness import has_done_enough, takes_too_much
from .lease import Lease
from .outage import Outage
from .recovery import recover
from .rota import Rota
from .sleep import sleep
from .staff import Staff
from .tick import Tick
from .watchdog import LOOK_EVERY, Watchdog

logger = logging.getLogger("django_bgtasks.worker")

_REPORT_EVERY = 0.1


class Worker:
    """The main loop of a worker process."""

    def __init__(self, config: ChildConfig, board: Board, rota: Rota) -> None:
        backend: Any = task_backends[config.worker.backend]
        self.config = config.worker
        self.options = backend.settings
        self.vendor = vendor_of(backend.connection)
        self.alias = backend.connection.alias
        self.owner = run.Owner(config.process_id, config.process_name)
        self.control = Control(config.control)
        self.board = board
        self.desk = Desk(self.alias)
        self.staff = Staff(self.config, self.desk, board, self.owner, self.alias)
        self.announcer = Announcer()
        self.claims = Claims(self.config, self.vendor, self.owner, backend.queues, rota)
        self.deferred = Deferred(self.vendor, rota)
        rescue_after = self.options.rescue_after
        self.lease = Lease(self.vendor, self.owner.id, board, rescue_after)
        grace = self.options.timeout_grace.total_seconds()
        self.watchdog = Watchdog(grace, self.staff.interrupt)
        self.outage = Outage(self.vendor)
        self.unwritten: list[Outcome] = []
        self.stop_by: float | None = None
        self.exit_code = 0
        self._next_report = self._next_look = 0.0
        self._tick = Tick()

    def run(self) -> int:
        """Work until told to stop, and return the exit code."""
        self.watcher = self.vendor.watch(CHANNEL, self.options.listen)
        while not self._is_over():
            try:
                self._step()
                self.outage.over()
            except OUTAGES as error:
                self._await_database(error)
        self._close()
        return self.exit_code

    def _step(self) -> None:
        clock = time.monotonic()
        self._obey(clock)
        if self.outage.must_recover:
            self._recover()
        if self.lease.has_ended(clock, busy=bool(self.staff.held)):
            logger.error("This process was taken for dead, so it ends.")
            self.exit_code = EXIT_GONE
            self._stop(0)
        if self.stop_by is None and self.deferred.promote(clock, self.watcher.hears):
            self.claims.stir()
        self._collect(clock)
        limit = self._limit()
        if any(outcome.kind == RELEASED for outcome in self.unwritten):
            limit = 0  # What is released is for others to claim.
        if self.unwritten or (limit and self.claims.hungry):
            self._turn(limit, clock)
        if self.config.burst and not (self.claims.hungry or self.staff.held):
            self._stop(0)
        enough = has_done_enough(self.config, self.claims.claimed)
        if enough and not self.staff.has_waiting():
            self._retire()
        self._store_reports(clock)
        self._tend(clock)
        self._sleep()

    def _collect(self, clock: float) -> None:
        for outcome in self.desk.collect():
            if self.staff.holds_anew(outcome.job):
                continue
            self.staff.release(outcome.job.id, clock, outcome.seconds)
            if outcome.kind == RETRY:
                self.deferred.expect(outcome, clock)
            self.unwritten.append(outcome)

    def _limit(self) -> int:
        """How many jobs to claim now."""
        if self.stop_by is not None or self.announcer.is_behind:
            return 0
        wanted = self.staff.wanted(time.monotonic())
        if self.config.max_jobs is not None:
            wanted = min(wanted, self.config.max_jobs - self.claims.claimed)
        return max(wanted, 0)

    def _turn(self, limit: int, clock: float) -> None:
        turn = self.claims.turn(self.unwritten, limit, clock)
        self.unwritten = []
        self.announcer.put(turn.written)
        if limit:
            self.staff.take(turn.claimed, clock)
        self.outage.must_recover = turn.broken

    def _tend(self, clock: float) -> None:
        if clock >= self._next_look:
            self._next_look = clock + LOOK_EVERY
            self._look_after_running(clock)
        cancel = CANCEL in self.watcher.messages
        if not self.watcher.messages.isdisjoint((DEFERRED, ANYTHING)):
            self.deferred.look_soon(clock)
        self.watcher.messages.clear()
        tick = self._tick.is_due(clock, self.claims.claimed)
        if cancel or tick:
            self._notice_cancelled()
        if tick:
            self.claims.tend(clock)
            self.watcher.tend(lambda message: self.vendor.notify(CHANNEL, message))
            if self._has_stirred():
                self.claims.stir()
            if takes_too_much(self.config):
                self._retire()

    def _look_after_running(self, clock: float) -> None:
        # Idle workers may have what waits here behind slow tasks.
        waited = self.staff.take_back_stalled(clock)
        self.unwritten += [Outcome(job, RELEASED) for job in waited]
        if self.staff.held:
            stuck = self.watchdog.look(self.staff.running(), clock)
            if stuck:
                self._replace_process(stuck)

    def _notice_cancelled(self) -> None:
        if not self.staff.held:
            return
        cancelled, lost = operate.watch_running(
            self.alias, self.owner.id, list(self.staff.held)
        )
        if lost:
            # What has just ended by itself in an atomic task is not lost.
            lost &= self.staff.running_ids()
        self.watchdog.cancel(cancelled | lost)

    def _retire(self) -> None:
        """Make room for a fresh process. What runs may end, however long it takes."""
        if self.stop_by is None:
            self.exit_code = EXIT_RECYCLE
            self.board.retire()
            self._stop(inf)

    def _store_reports(self, clock: float) -> None:
        if not self.desk.reports or not (
            clock >= self._next_report or self.desk.has_urgent_report
        ):
            return
        self._next_report = clock + _REPORT_EVERY
        reports = self.desk.take_reports()
        try:
            report.store_all(self.vendor, reports)
        except OUTAGES:
            self.desk.put_back(reports)
            raise

    # -- sleeping and stopping ----------------------------------------------

    def _sleep(self) -> None:
        busy = bool(self.staff.held)
        if self.unwritten or (self.claims.hungry and self._limit()):
            return
        clock = time.monotonic()
        self.watcher.looked(self.claims.swept_at)
        due = self.claims.due_in(clock) if self._limit() else inf
        pause = min(self.watcher.pause(busy), self.deferred.due_in(clock), due)
        if busy:
            pause = min(pause, LOOK_EVERY)
        if self.stop_by is not None:
            pause = min(pause, max(self.stop_by - clock, 0.0))
        if not self.desk.fall_asleep():
            pause = 0.0
        ear = self.watcher.fileno()
        woken = sleep(pause, (self.desk.fileno(), self.control.fileno(), ear))
        self.desk.wake_up()
        if (not woken or ear in woken) and self._has_stirred():
            self.claims.stir()

    def _has_stirred(self) -> bool:
        # What a neighbour has just seen need not be looked at again.
        self.watcher.looked(self.claims.swept_at)
        return self.watcher.stirred()

    def _obey(self, clock: float) -> None:
        order = self.control.read()
        if self.desk.interrupted and order is None:
            # Asked for by a task, not by the supervisor: another process follows.
            self.exit_code = self.exit_code or EXIT_RECYCLE
            order = Order.STOP
        if order is Order.STOP and self.stop_by is None:
            self._stop(self.config.grace)
        elif order is Order.NOW:
            self._stop(0)
        elif order is Order.ORPHANED:
            # Nobody says any more that this process lives.
            self._stop(min(self.config.grace, self.options.heartbeat.total_seconds()))

    def _stop(self, grace: float) -> None:
        """Claim no more, give back what was not begun, let the rest run on."""
        by = time.monotonic() + grace
        self.stop_by = by if self.stop_by is None else min(by, self.stop_by)
        self.unwritten += [Outcome(job, RELEASED) for job in self.staff.take_back()]
        # Last: what a task does about it cannot let another job begin.
        self.desk.stopping = True

    def _is_over(self) -> bool:
        if self.stop_by is None:
            return False
        if not self.staff.held and not self.unwritten and not self.desk.outcomes:
            return True
        return time.monotonic() >= self.stop_by and self._give_back_all()

    def _give_back_all(self) -> bool:
        """Give back what still runs, without losing an attempt."""
        self.staff.abandon()
        self._collect(time.monotonic())
        left = list(self.staff.held.values())
        if left:
            logger.warning("Giving back %d unfinished jobs.", len(left))
        self.unwritten += [Outcome(job, RELEASED) for job in left]
        try:
            self._turn(0, time.monotonic())
        except OUTAGES:
            logger.exception("The unfinished jobs are left to be rescued.")
        return True

    def _replace_process(self, stuck: list[Any]) -> None:
        """End this process, since a task in it cannot be ended."""
        self.exit_code = EXIT_STUCK
        for execution, cause in stuck:
            logger.error(
                "Job %s (%s) did not yield to %s; its process is replaced.",
                execution.job.public_id,
                execution.job.task_path,
                cause.__name__,
            )
            self.staff.release(execution.job.id, time.monotonic(), None)
            self.unwritten.append(run.failed(execution, cause()))
        self._stop(0)

    def _close(self) -> None:
        self.staff.stop()
        self.claims.close()
        self.announcer.finish(min(self.config.grace, 5.0))
        self.watcher.close()

    def _await_database(self, error: Exception) -> None:
        pause = self.outage.note(error)
        # What runs has its time limits all the same.
        self._look_after_running(time.monotonic())
        sleep(pause, (self.control.fileno(),))

    def _recover(self) -> None:
        self.vendor.prepare_worker()
        self.vendor.prepare_claims()
        written, self.unwritten = recover(
            self.vendor, self.owner, self.staff.held.values(), self.unwritten
        )
        self.announcer.put(written)
        self.claims.stir()
        self.outage.recovered()
