"""What the list of jobs is narrowed by: read from the address, and put into words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.formats import localize
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ..models import OutcomeKind, Schedule
from ..overview.jobs import DEFERRED, FINISHED, READY, RUNNING
from ..overview.rows import FAILED, FAILURES
from ..overview.terms import Terms
from .base import database, database_backends
from .task_field import tasks
from .widgets import TextWithChoices

STATE_LABELS: dict[str, Any] = {
    READY: gettext_lazy("Ready"),
    DEFERRED: gettext_lazy("Deferred"),
    RUNNING: gettext_lazy("Running"),
    FINISHED: gettext_lazy("Finished"),
    FAILURES: gettext_lazy("Failed, lost or expired"),
    **dict(OutcomeKind.choices),
}
_MOST_SUGGESTIONS = 200


def queues() -> list[str]:
    found = {queue for each in database_backends().values() for queue in each.queues}
    return sorted(found)[:_MOST_SUGGESTIONS]


def _tasks() -> list[str]:
    return list(tasks())[:_MOST_SUGGESTIONS]


class Moment(forms.DateTimeInput):
    input_type = "datetime-local"

    def format_value(self, value: Any) -> str:
        if isinstance(value, datetime):
            value = timezone.localtime(value) if timezone.is_aware(value) else value
            return f"{value:%Y-%m-%dT%H:%M}"
        return str(value or "")


def _text(label: Any, length: int, widget: Any = None) -> Any:
    return forms.CharField(
        label=label,
        required=False,
        max_length=length,
        widget=widget or forms.TextInput,
    )


class TermsForm(forms.Form):
    """Reads Terms. What cannot be is said at its field."""

    q = _text(gettext_lazy("Id, arguments or metadata"), 200)
    state = forms.ChoiceField(
        label=gettext_lazy("State"),
        required=False,
        choices=[("", gettext_lazy("All")), *STATE_LABELS.items()],
    )
    queue = _text(gettext_lazy("Queue"), 128, TextWithChoices(queues))
    task = _text(gettext_lazy("Task"), 255, TextWithChoices(_tasks))
    exception = _text(gettext_lazy("Exception"), 255)
    worker = _text(gettext_lazy("Worker"), 64)
    schedule = forms.IntegerField(
        label=gettext_lazy("Schedule"),
        required=False,
        min_value=1,
        max_value=2**63 - 1,
        widget=forms.Select,
    )
    since = forms.DateTimeField(
        label=gettext_lazy("Enqueued from"), required=False, widget=Moment
    )
    until = forms.DateTimeField(
        label=gettext_lazy("Enqueued before"), required=False, widget=Moment
    )

    def __init__(self, *args: Any, may_search: bool = True, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.may_search = may_search
        self.fields["q"].widget.input_type = "search"
        if not may_search:
            self.fields["q"].label = _("Id")
        self._offer()

    def clean_exception(self) -> str:
        exception: str = self.cleaned_data["exception"]
        state = self.cleaned_data.get("state")
        if exception and state not in ("", FINISHED, FAILURES, *FAILED):
            raise forms.ValidationError(
                _("Only jobs that failed, were lost or expired have an exception.")
            )
        return exception

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = self.cleaned_data
        since, until = data.get("since"), data.get("until")
        if since and until and since >= until:
            self.add_error("until", _("It must be after the beginning."))
        if self.terms.searched and not self.may_search:
            self.add_error("q", _("You may search for ids only, not for arguments."))
        return data

    @property
    def terms(self) -> Terms:
        data = self.cleaned_data
        state = data.get("state") or ""
        if data.get("exception") and state == FINISHED:
            state = FAILURES
        return Terms(
            state=state,
            queue=data.get("queue") or "",
            task=data.get("task") or "",
            schedule=data.get("schedule"),
            since=_aware(data.get("since")),
            until=_aware(data.get("until")),
            worker=data.get("worker") or "",
            exception=data.get("exception") or "",
            text=data.get("q") or "",
        )

    @property
    def query(self) -> str:
        """The terms as they stand in an address."""
        values = {name: self.data.get(name, "") for name in self.fields}
        return urlencode({name: value for name, value in values.items() if value})

    @property
    def words(self) -> str:
        """The terms for people; for all jobs, a word for that."""
        found = []
        for name, value in self.cleaned_data.items():
            if value in ("", None):
                continue
            shown = STATE_LABELS[value] if name == "state" else localize(value)
            found.append(f"{self.fields[name].label}: {shown}")
        return "; ".join(found) or _("all jobs")

    def _offer(self) -> None:
        rows = Schedule.objects.using(database()).order_by("name")
        choices = list(rows.values_list("pk", "name")[:_MOST_SUGGESTIONS])
        chosen = str(self.data.get("schedule") or "")
        if chosen and chosen not in {str(pk) for pk, _name in choices}:
            choices.append((chosen, chosen))  # type: ignore[arg-type]
        select: Any = self.fields["schedule"].widget
        select.choices = [("", _("Any")), *choices]


def read_terms(data: Mapping[str, Any], *, may_search: bool) -> TermsForm:
    """Return the form for an address's parameters, validated."""
    form = TermsForm(data, may_search=may_search)
    form.is_valid()
    return form


def _aware(moment: datetime | None) -> datetime | None:
    if moment is None or timezone.is_aware(moment):
        return moment
    return timezone.make_aware(moment, timezone.get_default_timezone())
