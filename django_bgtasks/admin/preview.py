"""The next runs of a schedule, of one in the database or of one being written."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.http import JsonResponse, QueryDict
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.safestring import SafeString

from ..models import Schedule
from ..periodic.decide import upcoming
from ..periodic.timings import timing_of, window_of, words
from ..periodic.validate import timing_problems
from ..periodic.zones import zone_named
from .base import utc_now
from .schedule_form import TimingForm, label

COUNT = 5
_TEMPLATE = "admin/django_bgtasks/schedule/preview.html"


@dataclass(frozen=True, slots=True)
class Run:
    at: datetime
    text: str


def zone_of(schedule: Any) -> ZoneInfo | None:
    """Return the zone of a schedule; None if what is written there is none."""
    try:
        return zone_named(str(schedule.timezone))
    except ValueError:
        return None


def in_zone(moment: datetime, zone: ZoneInfo | None) -> str:
    """Return a moment in words, on the clocks of a zone; None is the site's."""
    local = moment.astimezone(zone or timezone.get_current_timezone())
    return date_format(local, "D j N Y, H:i:s T", use_l10n=False)


def next_runs(schedule: Any, count: int = COUNT) -> list[datetime]:
    """Return the next due moments, none where the timing is not right."""
    try:
        return upcoming(timing_of(schedule), utc_now(), count, *window_of(schedule))
    except (ArithmeticError, ImportError, TypeError, ValueError):
        # Rows may be written by hand. What is wrong is said by timing_problems.
        return []


def render(schedule: Any, found: dict[str, list[str]] | None = None) -> SafeString:
    """Render the words for a timing and its next runs, or what is wrong with it."""
    if found is None:
        found = timing_problems(schedule)
    zone = zone_of(schedule)
    context = {
        "problems": [(label(name), texts) for name, texts in found.items()],
        "words": "" if found else words(schedule),
        "zone": zone.key if zone else "",
        "runs": []
        if found
        else [Run(each, in_zone(each, zone)) for each in next_runs(schedule)],
    }
    return render_to_string(_TEMPLATE, context)


def answer(schedule: Schedule, data: QueryDict) -> JsonResponse:
    """Answer with the preview of a schedule that is being written; save nothing."""
    form = TimingForm(data, instance=schedule)
    found = {
        name: [str(each) for each in messages] for name, messages in form.errors.items()
    }
    return JsonResponse({"html": render(form.instance, found), "errors": found})
