"""The form of a schedule: what of it may be changed, and how it is read."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import Any, ClassVar
from zoneinfo import ZoneInfo, available_timezones

from django import forms
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from ..models import TIMING_FIELDS, Schedule
from ..periodic.solar import SOLAR_EVENTS
from ..periodic.validate import problems, timing_problems
from ..periodic.zones import zone_named
from .base import database, database_backends, utc_now
from .hidden import HiddenArguments
from .json_field import JSONEditorField
from .lengths import LengthField
from .moments import MomentField
from .task_field import TaskField
from .widgets import TextWithChoices

# The fields that only one kind has; its others are saved empty.
OF_KIND: dict[str, tuple[str, ...]] = {
    "crontab": ("crontab",),
    "interval": ("every", "anchor_at"),
    "clocked": ("clocked_at",),
    "solar": ("solar_event", "latitude", "longitude"),
}
MOMENTS = ("anchor_at", "clocked_at", "start_at", "end_at")
# What says when; of TIMING_FIELDS, `enabled` and `backend` do not.
TIMING = tuple(name for name in TIMING_FIELDS if name not in ("enabled", "backend"))


@lru_cache(maxsize=1)
def zones() -> tuple[str, ...]:
    """Return the names of all time zones, sorted."""
    return tuple(sorted(available_timezones()))


def label(field: str) -> str:
    """Return what people call a field of a schedule."""
    model_field: Any = Schedule._meta.get_field(field)
    return capfirst(str(model_field.verbose_name))


def obstacles(schedule: Schedule) -> dict[str, list[str]]:
    """Return why a schedule cannot be enabled, by field; empty if it can."""
    if schedule.is_declared and schedule.undeclared_at is not None:
        text = _(
            "Its declaration is gone from the code or the settings. Duplicate it to "
            "keep it."
        )
        return {"enabled": [str(text)]}
    return problems(schedule, now=utc_now())


_SUN = {
    "dawn_astronomical": _("Astronomical dawn"),
    "dawn_nautical": _("Nautical dawn"),
    "dawn_civil": _("Civil dawn"),
    "sunrise": _("Sunrise"),
    "solar_noon": _("Solar noon"),
    "sunset": _("Sunset"),
    "dusk_civil": _("Civil dusk"),
    "dusk_nautical": _("Nautical dusk"),
    "dusk_astronomical": _("Astronomical dusk"),
}


def solar_events() -> list[tuple[str, Any]]:
    return [("", "---------"), *((name, _SUN.get(name, name)) for name in SOLAR_EVENTS)]


class TimingForm(forms.ModelForm):  # type: ignore[type-arg]
    """When a schedule is due. Moments are read in the schedule's own zone."""

    every = LengthField(
        label=_("Every"),
        required=False,
        help_text=_("The time between two runs: 30s, 5m, 1h 30m, 1d or 00:05:00."),
    )
    anchor_at = MomentField(
        label=_("Counted from"),
        required=False,
        help_text=_("Empty: from the start, or else from the beginning of 1970, UTC."),
    )
    clocked_at = MomentField(label=_("At"), required=False)
    start_at = MomentField(
        label=_("Start"), required=False, help_text=_("Nothing is due before.")
    )
    end_at = MomentField(
        label=_("End"), required=False, help_text=_("Nothing is due after.")
    )
    solar_event = forms.ChoiceField(
        label=_("Solar event"), required=False, choices=solar_events
    )

    class Meta:
        model = Schedule
        fields = TIMING
        widgets: ClassVar[dict[str, forms.Widget]] = {
            "crontab": forms.TextInput(
                {"class": "vTextField bgtasks-code", "spellcheck": "false"}
            ),
            "timezone": TextWithChoices(zones),
        }
        help_texts = {
            "crontab": _(
                "Minute, hour, day of month, month, day of week, such as “30 7 * * "
                "mon-fri”; or a name, such as “@daily”."
            ),
            "timezone": _("Whose clocks count, for the moments below as well."),
            "latitude": _("Degrees, north is positive."),
            "longitude": _("Degrees, east is positive."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        zone = self._zone()
        for name in MOMENTS:
            if name in self.fields:
                self.fields[name].zone = zone  # type: ignore[attr-defined]

    def _zone(self) -> ZoneInfo | None:
        name = self.instance.timezone
        if self.is_bound and "timezone" in self.fields:
            name = self.data.get(self.add_prefix("timezone"), "").strip()
        try:
            return zone_named(name)
        except ValueError:
            # That is said at its field.
            return None

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        kind = data.get("kind", self.instance.kind)
        for other, names in OF_KIND.items():
            for name in names:
                if kind in OF_KIND and other != kind and name in self.fields:
                    self.errors.pop(name, None)
                    data[name] = None if name in _NULLABLE else ""
        for name in MOMENTS:
            # What was not touched keeps its fraction of a second, which is not shown.
            if name in data and data[name] and name not in self.changed_data:
                data[name] = getattr(self.instance, name)
        return data

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        found = self._problems()
        if {"task_path", "args", "kwargs"} & {*self.errors}:
            # The instance still has what was there before.
            found = {**found, "args": [], "kwargs": []}
        for field, messages in found.items():
            if field in self.errors:
                continue
            for message in messages:
                self._add_problem(field, message)

    def _problems(self) -> dict[str, list[str]]:
        return timing_problems(self.instance, now=self._new_since())

    def _new_since(self) -> datetime | None:
        """Return now if the timing is new or changed: it then must have a future."""
        changed = set(self.changed_data)
        is_new = self.instance.pk is None or changed & set(TIMING)
        if self.instance.enabled and "enabled" in changed:
            is_new = True
        return utc_now() if is_new else None

    def _add_problem(self, field: str, message: str) -> None:
        if field in self.fields:
            self.add_error(field, message)
        else:
            self.add_error(None, f"{label(field)}: {message}")


_NULLABLE = ("every", "anchor_at", "clocked_at", "latitude", "longitude")


class ScheduleForm(HiddenArguments, TimingForm):
    """All of a schedule. Of a declared one, some fields are left out as read-only."""

    task_path = TaskField(label=_("Task"))
    args = JSONEditorField("array", list, label=_("Positional arguments"))
    kwargs = JSONEditorField("object", dict, label=_("Keyword arguments"))
    metadata = JSONEditorField(
        "object",
        lambda: None,
        label=_("Metadata"),
        help_text=_("An object that each job carries."),
    )
    backend = forms.ChoiceField(label=_("Backend"))
    queue_name = forms.CharField(
        label=_("Queue"), required=False, help_text=_("Empty: the task's own.")
    )
    expires = LengthField(
        label=_("Expires after"),
        required=False,
        help_text=_("A job that has not started by then fails. Empty: never."),
    )
    jitter = LengthField(
        label=_("Jitter"),
        required=False,
        help_text=_("Each job starts later by a random time of up to this."),
    )
    grace = LengthField(
        label=_("Grace"),
        required=False,
        help_text=_("A due moment that lies further back is not made up for."),
    )

    class Meta(TimingForm.Meta):
        fields = (
            *("name", "description", "enabled"),
            *TIMING,
            *("task_path", "args", "kwargs", "metadata"),
            *("backend", "queue_name", "priority", "expires", "jitter"),
            *("missed", "grace", "overlap"),
        )
        widgets = {
            **TimingForm.Meta.widgets,
            "name": forms.TextInput({"class": "vTextField"}),
            "description": forms.Textarea({"class": "vLargeTextField", "rows": 2}),
        }
        help_texts = {
            **TimingForm.Meta.help_texts,
            "priority": _("-100 to 100, higher runs first. Empty: the task's own."),
            "missed": _("What happens to moments at which no beat ran."),
            "overlap": _("What happens when the job before is not finished."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if isinstance(field := self.fields.get("task_path"), TaskField):
            field.offer(self.instance.task_path)
        if isinstance(field := self.fields.get("backend"), forms.ChoiceField):
            aliases = {*database_backends()} | {self.instance.backend}
            field.choices = [(alias, alias) for alias in sorted(aliases)]
        if (queue := self.fields.get("queue_name")) is not None:
            queue.widget = TextWithChoices(self._queues)

    def _queues(self) -> list[str]:
        backend = database_backends().get(self.instance.backend)
        return sorted(backend.queues) if backend else []

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"]).strip()
        same = Schedule.objects.using(database()).filter(name=name)
        if same.exclude(pk=self.instance.pk).exists():
            raise forms.ValidationError(_("There is a schedule of this name."))
        return name

    def _get_validation_exclusions(self) -> set[str]:
        # Asked of the right database above.
        return {*super()._get_validation_exclusions(), "name"}  # type: ignore[misc]

    def _problems(self) -> dict[str, list[str]]:
        schedule = self.instance
        if schedule.enabled and "enabled" in self.changed_data and schedule.pk:
            return obstacles(schedule)
        found = problems(schedule, now=self._new_since())
        if schedule.is_declared:
            # What cannot be changed here does not keep the rest from being saved.
            found = {name: each for name, each in found.items() if name in self.fields}
        return found
