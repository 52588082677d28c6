"""What to do about a schedule: which due moments run, which are missed, what is next.

Pure: ``now`` is an argument, and nothing is written.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Literal

from .clocked import Clocked
from .timing import Timing, to_utc

Missed = Literal["skip", "run_once", "run_all"]
MISSED_POLICIES: tuple[Missed, ...] = ("skip", "run_once", "run_all")

# No decision runs, or counts one by one, more due moments than this.
RUN_ALL_LIMIT = 1000
# What "on time" is where missed runs are skipped and no grace is given.
SKIP_GRACE = timedelta(seconds=60)
_TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Decision:
    """``run``: due moments to run now, oldest first. ``next``: the run to plan, None
    if the schedule is over. ``missed``: how many due moments are given up, None if
    there are too many to be counted.
    """

    run: list[datetime]
    missed: int | None
    next: datetime | None


def decide(
    timing: Timing,
    *,
    due: datetime,
    now: datetime,
    missed: Missed = "run_once",
    grace: timedelta | None = None,
    start_at: datetime | None = None,
    end_at: datetime | None = None,
) -> Decision:
    """Decide on all moments of ``timing`` from ``due``, the planned run, to ``now``.

    Only moments from ``start_at`` to ``end_at`` count, both included. One that lies
    more than ``grace`` back does not run (None: no limit, but 60 s for ``skip``).
    Of the others, ``run_once`` runs the latest, ``skip`` and ``run_all`` run all,
    at most the ``RUN_ALL_LIMIT`` latest. If ``now`` is before ``due``, for instance
    because the clock was set back, nothing runs and the plan stays.

    Raise ``ValueError`` if ``missed`` is not one of ``MISSED_POLICIES``.
    """
    if missed not in MISSED_POLICIES:
        raise ValueError(
            f"missed must be one of {', '.join(MISSED_POLICIES)}, not {missed!r}."
        )
    due, now = to_utc(due, "due"), to_utc(now, "now")
    start_at, end_at = _optional(start_at, "start_at"), _optional(end_at, "end_at")
    if missed == "skip" and grace is None:
        grace = SKIP_GRACE
    begin = max(due, start_at) if start_at else due
    end = min(now, end_at) if end_at else now
    following = _next(timing, now, begin, end_at)
    if end < begin:
        return Decision([], 0, following)
    # Not `now - grace`: a grace may reach back before the first year.
    late = grace is not None and now - begin > grace
    oldest = now - grace if late and grace is not None else begin
    limit = 1 if missed == "run_once" else RUN_ALL_LIMIT
    run = list(islice(_backwards(timing, oldest, end), limit))[::-1]
    count = timing.count(begin, end)
    return Decision(run, None if count is None else count - len(run), following)


def first(
    timing: Timing,
    now: datetime,
    start_at: datetime | None = None,
    end_at: datetime | None = None,
    *,
    ran: datetime | None = None,
) -> datetime | None:
    """Return the run to plan for a schedule that is new, edited or enabled again.

    That is the first moment after ``now``, or from ``start_at`` on if that is still
    to come; nothing of the past is made up for. A one-off is planned even if its time
    has passed. ``ran`` is the latest due moment that was run, if any: nothing up to it
    is planned again.
    """
    ran = _optional(ran, "ran")
    start_at, end_at = _optional(start_at, "start_at"), _optional(end_at, "end_at")
    if isinstance(timing, Clocked):
        at = to_utc(timing.at, "at")
        early = (ran and at <= ran) or (start_at and at < start_at)
        return None if early or (end_at and at > end_at) else at
    now = to_utc(now, "now")
    return _next(timing, max(now, ran) if ran else now, start_at, end_at)


def upcoming(
    timing: Timing,
    after: datetime,
    count: int,
    start_at: datetime | None = None,
    end_at: datetime | None = None,
) -> list[datetime]:
    """Return the next ``count`` due moments later than ``after``, or fewer."""
    after = to_utc(after, "after")
    start_at, end_at = _optional(start_at, "start_at"), _optional(end_at, "end_at")
    found: list[datetime] = []
    while len(found) < count:
        moment = _next(timing, after, start_at, end_at)
        if moment is None:
            break
        found.append(moment)
        after = moment
    return found


def _next(
    timing: Timing,
    after: datetime,
    start_at: datetime | None,
    end_at: datetime | None,
) -> datetime | None:
    """Return the first moment later than ``after`` of those in the window."""
    if start_at is None or start_at <= after:
        moment = timing.next(after)
    elif timing.last(start_at) == start_at:
        moment = start_at
    else:
        moment = timing.next(start_at)
    return moment if moment and (end_at is None or moment <= end_at) else None


def _backwards(timing: Timing, first: datetime, final: datetime) -> Iterator[datetime]:
    """Yield the moments from ``final`` back to ``first``, both included."""
    moment = timing.last(final)
    while moment is not None and moment >= first:
        yield moment
        if moment == first:
            break
        moment = timing.last(moment - _TICK)


def _optional(moment: datetime | None, name: str) -> datetime | None:
    return None if moment is None else to_utc(moment, name)
