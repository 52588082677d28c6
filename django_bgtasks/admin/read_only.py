"""How the fields of a schedule are shown where they cannot be changed."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.contrib import admin
from django.utils.html import format_html

from ..models import Schedule
from ..periodic.timings import aware
from . import hidden
from .lengths import print_length
from .preview import in_zone, zone_of


def _shown(name: str, show: Callable[[Any, Any], Any]) -> Any:
    field: Any = Schedule._meta.get_field(name)

    @admin.display(description=field.verbose_name)
    def column(self: Any, schedule: Any) -> Any:
        value = hidden.shown(schedule, name)
        return None if value is None else show(schedule, value)

    return column


def _json(schedule: Any, value: Any) -> Any:
    text = value if isinstance(value, str) else json.dumps(value, indent=2)
    return format_html('<pre class="bgtasks-json">{}</pre>', text)


def _length(schedule: Any, value: Any) -> Any:
    return print_length(value) if isinstance(value, timedelta) else value


def _moment(schedule: Any, value: Any) -> Any:
    if not isinstance(value, datetime):
        return value
    return in_zone(aware(value), zone_of(schedule))


class ReadOnlyTexts(admin.ModelAdmin):  # type: ignore[type-arg]
    """Lengths, moments and JSON as the form writes them, under names of their own."""

    args_shown = _shown("args", _json)
    kwargs_shown = _shown("kwargs", _json)
    metadata_shown = _shown("metadata", _json)
    every_shown = _shown("every", _length)
    expires_shown = _shown("expires", _length)
    jitter_shown = _shown("jitter", _length)
    grace_shown = _shown("grace", _length)
    anchor_at_shown = _shown("anchor_at", _moment)
    clocked_at_shown = _shown("clocked_at", _moment)
    start_at_shown = _shown("start_at", _moment)
    end_at_shown = _shown("end_at", _moment)


def shown(name: str) -> str:
    """Return the name under which a field is shown where it cannot be changed."""
    return f"{name}_shown" if hasattr(ReadOnlyTexts, f"{name}_shown") else name
