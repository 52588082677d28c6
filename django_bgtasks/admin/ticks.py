"""The history of a schedule: its ticks, with their jobs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.dateparse import parse_datetime
from django.utils.safestring import SafeString

from ..models import Tick
from ..overview.jobs import state_of
from ..periodic.timing import to_utc
from ..periodic.timings import aware
from ..results import public
from .base import database
from .preview import in_zone, zone_of
from .schedule_list import state_mark

PAGE = 50


@dataclass(frozen=True, slots=True)
class TickLine:
    due_at: datetime
    due: str
    seen_at: datetime
    outcome: str
    word: str
    by_hand: bool
    job: SafeString
    detail: str


@dataclass(frozen=True, slots=True)
class Page:
    """Ticks, the latest first. ``before`` leads to the next page, if there is one."""

    lines: list[TickLine]
    before: str


def read_ticks(schedule: Any, before: str = "", limit: int = PAGE) -> Page:
    """Read up to ``limit`` ticks of a schedule, those due before a moment.

    The unique index serves it, however many there are. What is no moment counts
    for none.
    """
    alias = database()
    rows = Tick.objects.using(alias).filter(schedule_id=schedule.pk)
    if moment := _moment(before):
        rows = rows.filter(due_at__lt=moment)
    found = list(rows.order_by("-due_at")[: limit + 1])
    ticks, more = found[:limit], len(found) > limit
    states = state_of(alias, [each.job_id for each in ticks if each.job_id])
    zone = zone_of(schedule)
    lines = [_line(each, zone, states) for each in ticks]
    return Page(lines, ticks[-1].due_at.isoformat() if more else "")


def _line(tick: Tick, zone: Any, states: dict[Any, str]) -> TickLine:
    return TickLine(
        due_at=aware(tick.due_at),
        due=in_zone(aware(tick.due_at), zone),
        seen_at=aware(tick.ticked_at),
        outcome=tick.outcome,
        word=str(tick.get_outcome_display()),
        by_hand=tick.by_hand,
        job=state_mark(states.get(tick.job_id), tick.job_id),
        detail=tick.detail,
    )


def _moment(text: str) -> datetime | None:
    try:
        moment = parse_datetime(text)
        return public(to_utc(aware(moment), "before")) if moment else None
    except (OverflowError, ValueError):
        return None
