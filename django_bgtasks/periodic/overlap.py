"""Overlap: what becomes of due moments while the job before them is unfinished."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from ..models import DeferredJob, ReadyJob, RunningJob, Schedule


@dataclass(slots=True)
class Shares:
    """Due moments, by what becomes of them."""

    enqueue: list[datetime] = field(default_factory=list)
    hold: datetime | None = None
    leave_out: list[datetime] = field(default_factory=list)


def share(
    overlap: str, moments: Sequence[datetime], *, busy: bool, held: bool
) -> Shares:
    """Divide due moments, oldest first, by the policy of a schedule.

    ``busy`` is whether a job of it is unfinished, ``held`` whether a moment waits
    for that already.
    """
    if overlap == Schedule.Overlap.ALLOW:
        return Shares(list(moments))
    shares = Shares()
    for moment in moments:
        if not busy:
            shares.enqueue.append(moment)
            busy = True
        elif overlap == Schedule.Overlap.QUEUE_ONE and not held:
            shares.hold, held = moment, True
        else:
            shares.leave_out.append(moment)
    return shares


def unfinished(alias: str, jobs: Collection[UUID]) -> set[UUID]:
    """Return which of these jobs wait, run, or will be tried again.

    In one statement, lest one that moves on meanwhile be missed.
    """
    if not jobs:
        return set()
    ready, *others = (
        table._default_manager.using(alias).filter(pk__in=jobs).values_list("pk")
        for table in (ReadyJob, DeferredJob, RunningJob)
    )
    return {key for (key,) in ready.union(*others)}
