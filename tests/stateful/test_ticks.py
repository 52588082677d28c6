"""Whatever is done to a schedule, whenever beats look, a due moment counts once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from django_bgtasks.compat import task_backends
from django_bgtasks.lifecycle import dispose
from django_bgtasks.models import Job, Plan, Schedule, Tick
from django_bgtasks.periodic import run_now, tick
from django_bgtasks.results import public
from django_bgtasks.upkeep.ticks import prune_ticks
from django_bgtasks.vendors import vendor_of

from .bounds import PROFILE, SECONDS
from .tables import empty

START = datetime(2026, 3, 2, 10, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
# Minutes from one due moment to the next.
PERIODS = (1, 3, 10)
clock = {"now": START}


class Beats(RuleBasedStateMachine):
    """Two beats, a clock that goes on, and people who edit.

    Both have looked just before somebody edits, as beats do that live. One that was
    away would not know when in the meantime it was.
    """

    @initialize(missed=st.sampled_from(["run_all", "run_once", "skip"]))
    def begin(self, missed: str) -> None:
        empty()
        clock["now"] = START
        self.missed = missed
        self.schedule = Schedule.objects.create(
            name="often",
            kind="interval",
            every=PERIODS[0] * MINUTE,
            anchor_at=public(START),
            missed=missed,
            task_path="tests.testapp.tasks.record",
            args=["key"],
        )
        # What should have been enqueued, by due moment; and by hand.
        self.expected: set[datetime] = set()
        self.by_hand = 0
        self.every, self.enabled = PERIODS[0] * MINUTE, True
        self.seen_at: datetime | None = None
        self.since: list[datetime | None] = [None, None]
        self.look(0)

    def due(self, after: datetime, until: datetime) -> list[datetime]:
        """The moments later than ``after``, by plain counting."""
        first = (after - START) // self.every + 1
        last = (until - START) // self.every
        return [START + number * self.every for number in range(first, last + 1)]

    def settle(self) -> None:
        """Note what is enqueued if a beat looks now."""
        assert self.seen_at is not None
        moments = self.due(self.seen_at, clock["now"]) if self.enabled else []
        if self.missed == "run_once":
            moments = moments[-1:]
        if self.missed == "skip":
            moments = [at for at in moments if clock["now"] - at <= MINUTE]
        self.expected.update(moments)

    @rule(which=st.integers(0, 1))
    def look(self, which: int) -> None:
        if self.seen_at is not None:
            self.settle()
        vendor, backend = vendor_of(connection), task_backends["default"]
        for _ in range(5):
            seen = tick.look(vendor, backend, self.since[which])
            self.since[which] = seen.now
            if not seen.is_full and (seen.wake_at is None or seen.wake_at > seen.now):
                break
        self.seen_at = clock["now"]

    @rule(seconds=st.integers(1, 1_000))
    def wait(self, seconds: int) -> None:
        clock["now"] += timedelta(seconds=seconds)

    @rule(which=st.integers(0, 1), minutes=st.sampled_from(PERIODS))
    def change(self, which: int, minutes: int) -> None:
        self.look(0)
        self.look(1)
        Schedule.objects.update(every=minutes * MINUTE)
        self.every = minutes * MINUTE
        self.look(which)

    @rule(which=st.integers(0, 1), enabled=st.booleans())
    def enable(self, which: int, enabled: bool) -> None:
        self.look(0)
        self.look(1)
        Schedule.objects.update(enabled=enabled)
        self.enabled = enabled
        self.look(which)

    @rule()
    def run_now(self) -> None:
        # A history by hand at a due moment would be that moment's.
        clock["now"] += timedelta(microseconds=1)
        run_now.run_now(task_backends["default"], Schedule.objects.get())
        self.by_hand += 1

    @rule()
    def prune(self) -> None:
        prune_ticks(vendor_of(connection), timedelta(days=1))

    @precondition(lambda self: self.expected)
    @rule(data=st.data())
    def delete_job(self, data: Any) -> None:
        """The history says that it was enqueued, all the same."""
        jobs = list(Job.objects.order_by("pk").values_list("pk", flat=True))
        if jobs:
            dispose.delete(connection, [data.draw(st.sampled_from(jobs))])

    @invariant()
    def each_moment_counts_once(self) -> None:
        ticks = Tick.objects.filter(outcome="enqueued", by_hand=False)
        moments = [_read(each) for each in ticks.values_list("due_at", flat=True)]
        assert len(moments) == len(set(moments))
        assert set(moments) == self.expected
        assert Plan.objects.get().run_count == len(moments) + self.by_hand

    @invariant()
    def each_job_is_of_one_moment(self) -> None:
        rows = Job.objects.filter(scheduled_for__isnull=False)
        moments = [_read(each) for each in rows.values_list("scheduled_for", flat=True)]
        assert len(moments) == len(set(moments))
        assert set(moments) <= self.expected


def _read(value: Any) -> datetime:
    return vendor_of(connection).moment(value)


@pytest.mark.timeout(SECONDS)
def test_each_due_moment_counts_once(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    kind = type(vendor_of(connection))
    monkeypatch.setattr(kind, "now", lambda self: clock["now"])
    run_state_machine_as_test(Beats, settings=PROFILE)
