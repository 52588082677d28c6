"""From a row, of whatever table, to its timing; and the words for lists."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, overload

from django.utils import timezone

from .clocked import Clocked
from .crontab import Crontab
from .interval import Interval
from .solar import Solar
from .timing import Timing

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# The field that a kind is about, in the columns of a Schedule and of a Plan.
MAIN_FIELDS = {
    "crontab": "crontab",
    "interval": "every",
    "clocked": "clocked_at",
    "solar": "solar_event",
}


def timing_of(row: Any, *, anchor: datetime | None = None) -> Timing:
    """Return the timing of a Schedule, a Plan or a declaration.

    An interval is counted from the row's ``anchor_at``, else its ``start_at``, else
    ``anchor``, else the beginning of 1970. Raise ValueError, in words, for a row
    whose fields make no timing; rows may be written by hand.
    """
    kind = str(row.kind)
    if kind not in MAIN_FIELDS:
        raise ValueError(
            f"There is no kind {kind!r} of schedule: it is one of "
            f"{', '.join(map(repr, MAIN_FIELDS))}."
        )
    try:
        return _made(row, kind, anchor)
    except (TypeError, AttributeError, OverflowError) as error:
        raise ValueError(f"This makes no schedule: {error}.") from error


def _made(row: Any, kind: str, anchor: datetime | None) -> Timing:
    if kind == "crontab":
        return Crontab(row.crontab, row.timezone)
    if kind == "interval":
        start = row.anchor_at or row.start_at or anchor or EPOCH
        return Interval(_given(row, "every", timedelta), aware(start))
    if kind == "clocked":
        return Clocked(aware(_given(row, "clocked_at", datetime)))
    place = [float(_given(row, each)) for each in ("latitude", "longitude")]
    return Solar(row.solar_event, *place)


def words(row: Any) -> str:
    """Return the timing of a row in words, or what is wrong with it."""
    try:
        return timing_of(row).words()
    except ValueError as error:
        return str(error)


def window_of(row: Any) -> tuple[datetime | None, datetime | None]:
    """Return the start and the end of a row, aware; what is due lies between them."""
    return aware(row.start_at), aware(row.end_at)


@overload
def aware(moment: datetime) -> datetime: ...


@overload
def aware(moment: None) -> None: ...


def aware(moment: datetime | None) -> datetime | None:
    """Return a moment of a row, which is naive where USE_TZ is False, as aware."""
    if moment is not None and timezone.is_naive(moment):
        return timezone.make_aware(moment, timezone.get_default_timezone())
    return moment


def _given(row: Any, field: str, kind: type | None = None) -> Any:
    value = getattr(row, field)
    if value is None or (kind is not None and not isinstance(value, kind)):
        raise ValueError(f"A schedule of the kind {str(row.kind)!r} needs {field!r}.")
    return value
