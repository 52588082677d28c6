"""A schedule as code or settings declare it, read from its options."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from typing import Any
from zoneinfo import ZoneInfo

from ..conf import duration

# The kinds, by the option that asks for one, with the options that go with it alone.
_KINDS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "crontab": ("crontab", ()),
    "every": ("interval", ("anchor_at",)),
    "at": ("clocked", ()),
    "solar": ("solar", ("latitude", "longitude")),
}
# Options that are called otherwise than the fields of a schedule.
_FIELDS = {"at": "clocked_at", "solar": "solar_event", "editable": "timing_editable"}
_OPTIONS = {name: option for option, name in _FIELDS.items()}
_LENGTHS = ("every", "expires", "jitter", "grace")
_MOMENTS = ("at", "anchor_at", "start_at", "end_at")
_DEGREES = ("latitude", "longitude")
_SWITCHES = ("enabled", "editable")
_POLICIES = ("missed", "overlap")
_TEXTS = ("crontab", "timezone", "solar", "description", "queue_name", *_POLICIES)


class BadOption(ValueError):
    """An option of a declared schedule that cannot be.

    ``unknown`` tells whether there is no such option at all.
    """

    def __init__(
        self, option: str, message: str, hint: str = "", *, unknown: bool = False
    ) -> None:
        super().__init__(f"{option}: {message}")
        self.option, self.message, self.hint = option, message, hint
        self.unknown = unknown


class NameTaken(BadOption):
    """Another schedule is declared under the same name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """A declared schedule. Its fields are those of Schedule; moments are aware."""

    name: str
    task_path: str
    backend: str
    origin: str
    kind: str
    timezone: str
    enabled: bool = True
    crontab: str = ""
    every: timedelta | None = None
    anchor_at: datetime | None = None
    clocked_at: datetime | None = None
    solar_event: str = ""
    latitude: Decimal | None = None
    longitude: Decimal | None = None
    start_at: datetime | None = None
    end_at: datetime | None = None
    description: str = ""
    args: list[Any] = field(default_factory=list)
    kwargs: dict[str, Any] = field(default_factory=dict)
    queue_name: str = ""
    priority: int | None = None
    expires: timedelta | None = None
    jitter: timedelta | None = None
    metadata: dict[str, Any] | None = None
    missed: str = "run_once"
    grace: timedelta | None = None
    overlap: str = "allow"
    timing_editable: bool = False


_FIXED = ("name", "task_path", "backend", "origin", "kind")
OPTION_NAMES = tuple(
    _OPTIONS.get(each.name, each.name)
    for each in fields(Declaration)
    if each.name not in _FIXED
)


def read_declaration(
    options: Mapping[str, Any],
    *,
    name: str,
    task_path: str,
    backend: str,
    origin: str,
    timezone: str,
    others: tuple[str, ...] = (),
) -> Declaration:
    """Return what the options declare, or raise BadOption, which names one.

    ``timezone`` is the name of the zone where the options give none. It says what a
    naive moment means, too. Whether the values make sense is not looked at here; see
    ``validate.problems``. ``others`` are further options, for the hint only.
    """
    _check_names(options, (*OPTION_NAMES, *others))
    given = {key: value for key, value in options.items() if value is not None}
    zone = given.setdefault("timezone", timezone)
    values = {
        _FIELDS.get(key, key): _read(key, value, zone) for key, value in given.items()
    }
    return Declaration(
        name=name,
        task_path=task_path,
        backend=backend,
        origin=origin,
        kind=_kind(given),
        **values,
    )


def option_of(field_name: str) -> str:
    """Return how the option is called that fills a field of Schedule."""
    return _OPTIONS.get(field_name, field_name)


def _check_names(options: Mapping[str, Any], known: tuple[str, ...]) -> None:
    for key in options:
        if key not in OPTION_NAMES:
            near = get_close_matches(str(key), known, 1)
            hint = f"The options are: {', '.join(sorted(known))}."
            if near:
                hint = f"Did you mean {near[0]!r}?"
            raise BadOption(str(key), "is no option of a schedule", hint, unknown=True)


def _kind(given: Mapping[str, Any]) -> str:
    chosen = [option for option in _KINDS if option in given]
    if not chosen:
        raise BadOption(
            "crontab",
            "the schedule does not say when it is due; give one of a crontab, every=, "
            "at= and solar=",
        )
    if len(chosen) > 1:
        raise BadOption(
            chosen[1], f"a schedule has one timing, and this one has {chosen[0]} too"
        )
    for option, (_, companions) in _KINDS.items():
        for each in companions:
            if each in given and option != chosen[0]:
                raise BadOption(each, f"it goes with {option}= only")
    return _KINDS[chosen[0]][0]


def _read(option: str, value: Any, zone: Any) -> Any:
    if option in _LENGTHS:
        try:
            return duration(value)
        except ValueError as error:
            raise BadOption(option, str(error)) from None
    if option in _MOMENTS:
        return _moment(option, value, zone)
    if option in _DEGREES:
        return _degrees(option, value)
    if option in _SWITCHES and not isinstance(value, bool):
        raise BadOption(option, f"it is True or False, not {value!r}")
    if option in _TEXTS:
        return text(option, value)
    if option == "args" and isinstance(value, (list, tuple)):
        return list(value)
    if option in ("kwargs", "metadata") and isinstance(value, Mapping):
        return dict(value)
    return value


def text(option: str, value: Any) -> str:
    """Return ``value`` as plain text, of an enum its value, or raise BadOption."""
    if not isinstance(value, str):
        raise BadOption(option, f"it is text, not {value!r}")
    return str.__str__(value)


def _moment(option: str, value: Any, zone: str) -> datetime:
    if not isinstance(value, datetime):
        raise BadOption(option, f"it is a datetime, not {value!r}")
    moment = value
    if moment.tzinfo is None:
        try:
            moment = moment.replace(tzinfo=ZoneInfo(zone))
        except (KeyError, ValueError, OSError, TypeError):
            raise BadOption("timezone", f"there is no time zone {zone!r}") from None
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise BadOption(option, f"{value} is out of range") from None


def _degrees(option: str, value: Any) -> Decimal:
    try:
        # As many places as the column has.
        return Decimal(str(value)).quantize(Decimal("0.000001"))
    except InvalidOperation:
        raise BadOption(option, f"it is a number of degrees, not {value!r}") from None
