"""A schedule as people write it in a file: only what is not the default.

The words are those of ``@periodic`` and ``OPTIONS["SCHEDULES"]``. A kind is left out
where one of ``crontab``, ``every``, ``at`` and ``solar`` says it. What is written and
read again is the same, to the microsecond.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from typing import Any

from django.utils.dateparse import parse_duration

from ...conf import duration
from ...models import Schedule
from ...periodic.timings import MAIN_FIELDS, aware
from ...results import public

# The words of files, in their order, and the fields that they are about.
KEYS = {
    "description": "description",
    "task": "task_path",
    "kind": "kind",
    "crontab": "crontab",
    "timezone": "timezone",
    "every": "every",
    "anchor_at": "anchor_at",
    "at": "clocked_at",
    "solar": "solar_event",
    "latitude": "latitude",
    "longitude": "longitude",
    "start_at": "start_at",
    "end_at": "end_at",
    "args": "args",
    "kwargs": "kwargs",
    "queue_name": "queue_name",
    "priority": "priority",
    "expires": "expires",
    "jitter": "jitter",
    "metadata": "metadata",
    "missed": "missed",
    "grace": "grace",
    "overlap": "overlap",
    "backend": "backend",
    "enabled": "enabled",
}
WORDS = {field: key for key, field in KEYS.items()}
_KIND_KEYS = {kind: WORDS[field] for kind, field in MAIN_FIELDS.items()}
_UNITS = (("w", 7), ("d", 1), ("h", 1 / 24), ("m", 1 / 1440))
_SHORT = tuple((unit, timedelta(days=days)) for unit, days in _UNITS)

Record = dict[str, Any]
Problems = dict[str, list[str]]


def to_record(schedule: Schedule, backend: str) -> Record:
    """Return what a file says of a schedule, read for the alias ``backend`` again."""
    record: Record = {}
    given = (key for key, name in KEYS.items() if getattr(schedule, name))
    implied = _implied_kind({*given})
    for key, name in KEYS.items():
        value = getattr(schedule, name)
        if key == "kind":
            wanted = value != implied
        elif key == "timezone":
            wanted = value != "UTC" or schedule.kind == "crontab"
        elif key == "backend":
            wanted = value != backend
        else:
            wanted = key == "task" or value != _default(name)
        if wanted:
            record[key] = _plain(value)
    return record


def from_record(
    name: str, record: Mapping[str, Any], backend: str
) -> tuple[Schedule, Problems]:
    """Return the unsaved schedule that a file speaks of, and what cannot be read.

    What the file does not name has its default; the backend's is ``backend``.
    """
    schedule = Schedule(name=name, backend=backend)
    problems: Problems = {}
    for key in record:
        if key not in KEYS:
            near = get_close_matches(str(key), KEYS, 1)
            hint = f"Did you mean {near[0]!r}?" if near else _all_keys()
            problems[str(key)] = [f"There is no such key. {hint}"]
    for key, field in KEYS.items():
        if key not in record:
            continue
        try:
            setattr(schedule, field, _READERS[key](record[key]))
        except (ValueError, OverflowError) as error:
            problems[key] = [str(error)]
    if "kind" not in record:
        implied = _implied_kind(record.keys())
        if implied is None:
            keys = ", ".join(_KIND_KEYS.values())
            problems["kind"] = [f"Give one of {keys}; or a kind, if several."]
        else:
            schedule.kind = implied
    return schedule, problems


def _implied_kind(keys: Any) -> str | None:
    kinds = [kind for kind, key in _KIND_KEYS.items() if key in keys]
    return kinds[0] if len(kinds) == 1 else None


def _default(name: str) -> Any:
    field: Any = Schedule._meta.get_field(name)
    return field.get_default()


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return aware(value).isoformat()
    if isinstance(value, timedelta):
        return _short(value)
    if isinstance(value, Decimal):
        return float(value)
    return value


def _short(length: timedelta) -> str:
    """Write a length of time in the greatest unit of which it has a whole number."""
    for unit, size in _SHORT:
        if length and not length % size:
            return f"{length // size}{unit}"
    seconds = f"{length // timedelta(seconds=1)}.{length.microseconds:06}"
    return seconds.rstrip("0").rstrip(".") + "s"


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is no text. Write it in quotation marks.")
    return value


def _length(value: Any) -> timedelta | None:
    if value is None:
        return None
    iso = isinstance(value, str) and value.lstrip("-").startswith("P")
    return (parse_duration(value) if iso else None) or duration(value)


def _moment(value: Any) -> datetime | None:
    if value is None:
        return None
    example = "such as 2026-03-29T18:00:00+02:00"
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise ValueError(f"{value!r} is no time {example}.") from None
    if not isinstance(value, datetime):
        raise ValueError(f"{value!s} is no time {example}.")
    if value.tzinfo is None:
        raise ValueError(f"{value.isoformat()} has no offset from UTC, {example}.")
    return public(value)


def _degrees(value: Any) -> Decimal | None:
    if value is None:
        return None
    try:
        found = Decimal(str(value))
        if isinstance(value, bool) or found != round(found, 6):
            raise InvalidOperation
    except InvalidOperation:
        raise ValueError(
            f"{value!r} is no number of degrees with six decimals at most."
        ) from None
    return found


def _switch(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{value!r} is neither true nor false.")
    return value


def _json(value: Any) -> Any:
    return value


_READERS: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys(KEYS, _text),
    **dict.fromkeys(("every", "expires", "jitter", "grace"), _length),
    **dict.fromkeys(("anchor_at", "at", "start_at", "end_at"), _moment),
    **dict.fromkeys(("latitude", "longitude"), _degrees),
    # Looked at together with the task.
    **dict.fromkeys(("args", "kwargs", "metadata", "priority"), _json),
    "enabled": _switch,
}


def _all_keys() -> str:
    return f"The keys are: {', '.join(KEYS)}."


def by_key(problems: Problems) -> Problems:
    """Return problems of a schedule's fields by the words of files."""
    return {WORDS.get(name, name): messages for name, messages in problems.items()}


def spelled(problems: Problems) -> Iterator[str]:
    """Yield each problem behind what it is about."""
    for name, messages in problems.items():
        yield from (f"{name}: {message}" for message in messages)
