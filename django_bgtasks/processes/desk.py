"""Where the claiming thread and the running ones meet."""

from __future__ import annotations

import os
import threading
from collections import deque
from contextlib import suppress
from typing import Any

from django.db import connections

from ..lifecycle import execute, report
from ..lifecycle.outcome import ClaimedJob, Outcome, Plan
from ..results import Control
from ..vendors import Vendor, vendor_of
from .slot import Slot


class Desk:
    """Outcomes and reports are laid down here; the claimer picks them up.

    A pipe wakes the claimer, but only while it sleeps: a busy one picks up what
    has gathered without being called.
    """

    def __init__(self, database: str = "default") -> None:
        self.database = database
        self.outcomes: deque[Outcome] = deque()
        self.reports: dict[str, tuple[dict[str, Any], list[threading.Event]]] = {}
        self.interrupted = False
        self.stopping = False
        # What audience.records() has said when jobs were handed out.
        self.recorded = True
        self._lock = threading.Lock()
        self._asleep = False
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._reader, False)
        os.set_blocking(self._writer, False)
        self._plans: dict[tuple[str, str], Plan] = {}

    def plan(self, job: ClaimedJob) -> Plan:
        """Return the plan of a job's task. Raise UnknownTask."""
        key = job.task_path, job.backend
        plan = self._plans.get(key)
        if plan is None:
            plan = self._plans[key] = execute.plan_for(*key)
        return plan

    def vendor_here(self) -> Vendor:
        """The vendor of this thread's own connection to the queue's database."""
        return vendor_of(connections[self.database])

    def deliver(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)
        self.wake()

    def collect(self) -> list[Outcome]:
        """Return the outcomes that lie here, oldest first."""
        found = []
        while self.outcomes:
            found.append(self.outcomes.popleft())
        return found

    def put_report(self, job_id: str, values: dict[str, Any], *, wait: bool) -> None:
        """Leave what a job tells of itself; the latest counts."""
        stored = threading.Event()
        with self._lock:
            older, waiting = self.reports.get(job_id, ({}, []))
            events = [*waiting, stored] if wait else waiting
            self.reports[job_id] = ({**older, **values}, events)
        if wait:
            self.wake()
            stored.wait()

    def take_reports(self) -> dict[str, tuple[dict[str, Any], list[threading.Event]]]:
        with self._lock:
            found, self.reports = self.reports, {}
        return found

    def put_back(
        self, reports: dict[str, tuple[dict[str, Any], list[threading.Event]]]
    ) -> None:
        """Keep reports that could not be stored; newer ones count before them."""
        with self._lock:
            for job_id, (values, events) in reports.items():
                newer, waiting = self.reports.get(job_id, ({}, []))
                self.reports[job_id] = ({**values, **newer}, events + waiting)

    @property
    def has_urgent_report(self) -> bool:
        return any(events for _, events in self.reports.values())

    def fileno(self) -> int:
        return self._reader

    def wake(self) -> None:
        if self._asleep:
            self._asleep = False
            with suppress(BlockingIOError):
                os.write(self._writer, b"!")

    def fall_asleep(self) -> bool:
        """Ask to be woken; False if something came meanwhile."""
        self._asleep = True
        return not self.outcomes and not self.has_urgent_report

    def wake_up(self) -> None:
        self._asleep = False
        with suppress(BlockingIOError):
            while os.read(self._reader, 512):
                pass


class WorkerControl(Control):
    """What the context of a task in a worker reaches."""

    def __init__(
        self,
        desk: Desk,
        job: ClaimedJob,
        max_payload: int,
        slot: Slot | None = None,
    ) -> None:
        self._desk = desk
        self._slot = slot
        self._job = job
        self._max_payload = max_payload
        self.cancelled = False
        self.deadline = None

    @property
    def should_stop(self) -> bool:
        return self.cancelled or self._desk.stopping

    def enter(self) -> None:
        if self._slot is not None:
            self._slot.enter()

    def leave(self) -> None:
        if self._slot is not None:
            self._slot.leave()

    def report(self, result: Any, *, metadata: bool) -> None:
        values = report.facts(result, self._max_payload, metadata=metadata)
        if metadata and (vendor := self._desk.vendor_here()).writes_alone:
            # The claimer could not write before this transaction has ended.
            report.store(self._desk.database, self._job.id, values, vendor.now())
        else:
            self._desk.put_report(self._job.id, values, wait=metadata)
