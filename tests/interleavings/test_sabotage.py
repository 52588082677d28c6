"""The search finds what would go wrong if one of the safeguards were not there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from django.db import connection

from django_bgtasks.lifecycle import finish
from django_bgtasks.models import RunningJob, Tick
from django_bgtasks.vendors import Swap, Vendor, vendor_of

from .job_roles import FINISH, READ, RESCUE, WORK
from .job_scene import running
from .tick_scene import BEAT, TickScene, due

Play = Callable[..., Any]


def test_without_the_fence_a_late_finish_is_found(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A finish that takes whatever attempt of whichever process is there."""
    fenced = finish.swap

    def careless(vendor: Vendor, owner: int, worker: str, outcomes: Any) -> Swap:
        swap = fenced(vendor, owner, worker, outcomes)
        row = RunningJob.objects.filter(pk=outcomes[0].job.id).first()
        if row is None:
            return swap
        return replace(
            swap, owner=row.process_id, rows=[(outcomes[0].job.id, row.attempt)]
        )

    monkeypatch.setattr(finish, "swap", careless)
    with pytest.raises(AssertionError, match="succeeded, though attempt 1 was lost"):
        play(running, RESCUE, WORK, FINISH, faults=False)


def test_without_transactions_a_job_that_is_nowhere_is_found(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def nothing(self: Any) -> Iterator[None]:
        yield

    monkeypatch.setattr(Vendor, "atomic", nothing)
    monkeypatch.setattr(Vendor, "skip_taken", lambda self, rows: rows)
    with pytest.raises(AssertionError, match="stands in no place"):
        play(running, RESCUE, READ)


@pytest.fixture
def careless_beats(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beats that lock nothing."""
    kind = type(vendor_of(connection))
    monkeypatch.setattr(kind, "skip_taken", lambda self, rows: rows)


@pytest.fixture
def ticks_alike(transactional_db: None) -> Iterator[None]:
    """A moment of a schedule may have many ticks."""
    (once,) = Tick._meta.constraints
    with connection.schema_editor() as editor:
        editor.remove_constraint(Tick, once)
    yield
    Tick.objects.all().delete()
    with connection.schema_editor() as editor:
        editor.add_constraint(Tick, once)


@pytest.mark.only_on("postgresql", "mariadb", "mysql")
def test_without_locks_a_run_that_is_not_counted_is_found(
    play: Play, careless_beats: None
) -> None:
    """But no second job: the moment is unique all the same."""
    with pytest.raises(AssertionError, match="A run is not counted"):
        play(due, BEAT, BEAT, kind=TickScene, faults=False)


class Moments(TickScene):
    """Looks at nothing else."""

    def judge(self, deeds: list[Any], *, sure: bool) -> None:
        self.see()


@pytest.mark.only_on("postgresql", "mariadb", "mysql")
def test_without_locks_and_the_unique_tick_a_second_job_is_found(
    ticks_alike: None, play: Play, careless_beats: None
) -> None:
    with pytest.raises(AssertionError, match="A moment has two"):
        play(due, BEAT, BEAT, kind=Moments, faults=False)


@pytest.mark.only_on("postgresql", "mariadb", "mysql")
def test_without_the_unique_tick_the_locks_still_hold(
    ticks_alike: None, play: Play
) -> None:
    assert play(due, BEAT, BEAT, kind=TickScene, faults=False).played > 1
