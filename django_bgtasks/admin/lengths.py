"""Lengths of time as people write them: ``5m``, ``1h 30m``, ``00:05:00``."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

_UNITS = {
    "w": timedelta(weeks=1),
    "d": timedelta(days=1),
    "h": timedelta(hours=1),
    "m": timedelta(minutes=1),
    "s": timedelta(seconds=1),
}
_PART = re.compile(
    r"\s*(\d{1,9}(?:\.\d{1,6})?)\s*"
    r"(weeks?|w|days?|d|hours?|h|minutes?|mins?|min|m|seconds?|secs?|sec|s)\s*,?"
)
_CLOCK = re.compile(
    r"(?:(\d{1,6})(?:d|\s+days?,?)?\s+)?(\d{1,5}):([0-5]\d)(?::([0-5]\d(?:\.\d{1,6})?))?"
)


def parse_length(text: str) -> timedelta:
    """Read a length of time, or raise ValueError saying how one is written."""
    text = text.strip().lower()
    if match := _CLOCK.fullmatch(text):
        days, hours, minutes, seconds = (float(each or 0) for each in match.groups())
        return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    length, at, seen = timedelta(), 0, set()
    while at < len(text):
        part = _PART.match(text, at)
        if part is None or (unit := part[2][0]) in seen:
            raise ValueError(text)
        seen.add(unit)
        length += float(part[1]) * _UNITS[unit]
        at = part.end()
    if not seen:
        raise ValueError(text)
    return length


def print_length(length: timedelta) -> str:
    """Return a length as `parse_length` reads it, such as ``1h 30m``."""
    if length < timedelta():
        return f"-{print_length(-length)}"
    parts = []
    for unit in ("d", "h", "m"):
        number, length = divmod(length, _UNITS[unit])
        if number:
            parts.append(f"{number}{unit}")
    seconds = f"{length.total_seconds():.6f}".rstrip("0").rstrip(".")
    if seconds != "0" or not parts:
        parts.append(f"{seconds}s")
    return " ".join(parts)


class LengthField(forms.CharField):
    """A length of time. Its widget shows ``1h 30m`` where Django's shows 01:30:00."""

    default_error_messages = {
        "invalid": _(
            "“%(value)s” is no length of time. Write it with units, such as 30s, 5m, "
            "1h 30m or 2d, or as 00:05:00."
        )
    }

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", 60)
        kwargs.setdefault("empty_value", None)
        super().__init__(**kwargs)

    def prepare_value(self, value: Any) -> Any:
        return print_length(value) if isinstance(value, timedelta) else value

    def to_python(self, value: Any) -> Any:
        if value is None or isinstance(value, timedelta):
            return value
        text = super().to_python(value)
        if text is None:
            return None
        try:
            return parse_length(text)
        except (ValueError, OverflowError):
            raise ValidationError(
                self.error_messages["invalid"], "invalid", {"value": text[:60]}
            ) from None

    def run_validators(self, value: Any) -> None:
        # Those of CharField are about the text.
        if isinstance(value, str):
            super().run_validators(value)

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return bool(self.to_python(data) != initial)
        except ValidationError:
            return True

    def widget_attrs(self, widget: Any) -> dict[str, Any]:
        attrs: dict[str, Any] = super().widget_attrs(widget)
        return {**attrs, "placeholder": "5m", "autocomplete": "off"}
