"""Moments, written as a date and a time of the schedule's own zone."""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from ..periodic.timings import aware
from ..results import public


class MomentWidget(forms.SplitDateTimeWidget):
    """The browser's own fields for a date and a time."""

    template_name = "admin/django_bgtasks/schedule/moment.html"
    supports_microseconds = False

    def __init__(self) -> None:
        date, time = {"type": "date"}, {"type": "time", "step": "1"}
        super().__init__(None, "%Y-%m-%d", "%H:%M:%S", date, time)
        self.zone: tzinfo | None = None

    def decompress(self, value: Any) -> Any:
        if not isinstance(value, datetime):
            return [None, None]
        value = aware(value).astimezone(self.zone or timezone.get_current_timezone())
        return [value.date(), value.time().replace(microsecond=0)]


class MomentField(forms.SplitDateTimeField):
    """A moment in the zone that the form sets as ``zone``; the site's if it is None.

    A time that the clocks of the zone skip, or show twice, is refused.
    """

    widget = MomentWidget

    _zone: tzinfo | None = None

    @property
    def zone(self) -> tzinfo | None:
        return self._zone

    @zone.setter
    def zone(self, zone: tzinfo | None) -> None:
        self._zone = zone
        widget: Any = self.widget
        widget.zone = zone

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        widget: Any = self.widget
        for each, word in zip(widget.widgets, (_("date"), _("time")), strict=True):
            each.attrs["aria-label"] = format_lazy("{}: {}", self.label, word)

    def compress(self, data_list: Any) -> datetime | None:
        if not data_list:
            return None
        day, time = data_list
        if day in self.empty_values:
            raise ValidationError(self.error_messages["invalid_date"], "invalid_date")
        if time in self.empty_values:
            raise ValidationError(self.error_messages["invalid_time"], "invalid_time")
        return self._moment(datetime.combine(day, time))

    def _moment(self, wall: datetime) -> datetime:
        zone = self.zone or timezone.get_current_timezone()
        try:
            moment = wall.replace(tzinfo=zone)
            again = wall.replace(tzinfo=zone, fold=1)
            if moment.utcoffset() != again.utcoffset():
                raise ValidationError(
                    _(
                        "The clocks of %(zone)s skip this time on that day, or show it "
                        "twice. Give another."
                    ),
                    "invalid",
                    {"zone": zone},
                )
            return public(moment)
        except (OverflowError, ValueError) as error:
            raise ValidationError(
                self.error_messages["invalid_date"], "invalid_date"
            ) from error
