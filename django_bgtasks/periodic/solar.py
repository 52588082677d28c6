"""Timing by the sun at a place."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from types import ModuleType

from .timing import to_utc

SOLAR_EVENTS = (
    "dawn_astronomical",
    "dawn_nautical",
    "dawn_civil",
    "sunrise",
    "solar_noon",
    "sunset",
    "dusk_civil",
    "dusk_nautical",
    "dusk_astronomical",
)
# Degrees of the sun below the horizon.
_DEPRESSIONS = {"civil": 6.0, "nautical": 12.0, "astronomical": 18.0}
# Beyond the polar circles an event is missing for months, at the very poles for up
# to two years.
_DAYS = 1100
_DAYS_COUNTED = 1000
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Solar:
    """Due at ``event`` of every day on which it happens, to the second.

    ``latitude`` and ``longitude`` are degrees, north and east positive. Raise
    ``ValueError`` if one of the three is not valid, and ``ImportError`` where a
    moment is asked for and the extra ``solar`` is not installed.
    """

    event: str
    latitude: float
    longitude: float

    def __post_init__(self) -> None:
        if self.event not in SOLAR_EVENTS:
            raise ValueError(
                f"event must be one of {', '.join(SOLAR_EVENTS)}, not {self.event!r}."
            )
        _require_degrees("latitude", self.latitude, 90)
        _require_degrees("longitude", self.longitude, 180)

    def next(self, after: datetime) -> datetime | None:
        after = to_utc(after, "after")
        moments = self._moments(after.date() - _DAY, _DAY)
        return next((each for each in moments if each > after), None)

    def last(self, until: datetime) -> datetime | None:
        until = to_utc(until, "until")
        moments = self._moments(until.date() + _DAY, -_DAY)
        return next((each for each in moments if each <= until), None)

    def count(self, since: datetime, until: datetime) -> int | None:
        since, until = to_utc(since, "since"), to_utc(until, "until")
        days = (until.date() - since.date()).days + 3
        if days > _DAYS_COUNTED:
            return None
        moments = self._moments(since.date() - _DAY, _DAY, days)
        return sum(1 for each in moments if since <= each <= until)

    def words(self) -> str:
        name = self.event.replace("_", " ")
        return f"at {name} ({self.latitude:g}, {self.longitude:g})"

    def _moments(
        self, day: date, step: timedelta, days: int = _DAYS
    ) -> Iterator[datetime]:
        sun = _sun()
        for number in range(days):
            moment = _on_day(sun, self, day + number * step)
            if moment is not None:
                yield moment


def _require_degrees(name: str, value: float, most: int) -> None:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or abs(value) > most:
        raise ValueError(
            f"{name} must be a number from -{most} to {most}, not {value!r}."
        )


def _sun() -> ModuleType:
    try:
        from astral import sun
    except ImportError as error:
        raise ImportError(
            "Schedules by the sun need the package astral: "
            'pip install "django-bgtasks[solar]"'
        ) from error
    return sun


def _on_day(sun: ModuleType, solar: Solar, day: date) -> datetime | None:
    """Return the moment of the solar day around the noon of ``day``."""
    from astral import Observer, SunDirection

    # The floats keep astral from reading them as degrees and minutes.
    observer = Observer(float(solar.latitude), float(solar.longitude), 0.0)
    noon: datetime = sun.noon(observer, day)
    if solar.event == "solar_noon":
        return noon
    rising = solar.event.startswith("dawn") or solar.event == "sunrise"
    depression = _DEPRESSIONS.get(
        solar.event.partition("_")[2], sun.SUN_APPARENT_RADIUS
    )
    direction = SunDirection.RISING if rising else SunDirection.SETTING
    begin, end = (noon - _DAY / 2, noon) if rising else (noon, noon + _DAY / 2)
    for each in (day, day - _DAY, day + _DAY):
        try:
            found: datetime = sun.time_of_transit(
                observer, each, 90.0 + depression, direction
            )
        except ValueError:
            # The sun stays above or below all day.
            continue
        if begin <= found < end:
            return found.astimezone(UTC).replace(microsecond=0)
    return None
