"""What people do to jobs: each action, and the jobs that it can be done to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from django import forms
from django.contrib.admin.models import CHANGE, DELETION
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from ..lifecycle import operate
from ..lifecycle.dispose import delete
from ..lifecycle.enqueue import CANCEL, wake_after_commit
from ..lifecycle.rearrange import move, run_now
from ..overview.jobs import DEFERRED, FINISHED, OUTCOMES, READY, RUNNING
from ..overview.rows import FAILURES
from ..overview.terms import Terms
from ..vendors import vendor_of
from .job_terms import queues
from .widgets import TextWithChoices

Values = Mapping[str, Any]


@dataclass(frozen=True)
class Action:
    """An action. ``states`` are those that it goes through for "all jobs", the
    earlier before the later, so that a job that moves on is still met."""

    name: str
    label: Any
    permission: str
    states: tuple[str, ...]
    # Of which states it can be asked for.
    fits: tuple[str, ...]
    question: Any
    done: Any
    # Whether one job needs no confirmation.
    at_once: bool = False
    flag: int = CHANGE

    def act(self, backend: Any, ids: list[UUID], values: Values) -> list[UUID]:
        """Do it to these jobs, and return those that it was done to."""
        raise NotImplementedError

    def form(self, data: Any = None) -> forms.Form | None:
        """Return the form for what has to be known beside the jobs, if anything."""
        return None

    def walks(self, terms: Terms) -> list[Terms]:
        """Divide the jobs that are meant into those of one state each."""
        if terms.state in ("", FINISHED) and terms.state not in self.states:
            states = [each for each in self.states if _within(each, terms.state)]
        elif terms.state in self.fits:
            states = [terms.state]
        else:
            states = []
        return [replace(terms, state=state) for state in states]


def _within(state: str, wanted: str) -> bool:
    return not wanted or state in (FINISHED, FAILURES, *OUTCOMES)


class Retry(Action):
    def act(self, backend: Any, ids: list[UUID], values: Values) -> list[UUID]:
        retried = operate.retry(backend.connection, ids)
        if retried:
            wake_after_commit(vendor_of(backend.connection))
        return retried


class Cancel(Action):
    def act(self, backend: Any, ids: list[UUID], values: Values) -> list[UUID]:
        retention = backend.settings.retention
        cancelled = operate.cancel_many(backend.connection, ids, retention)
        if cancelled.running:
            wake_after_commit(vendor_of(backend.connection), CANCEL)
        return [*cancelled.waiting, *cancelled.running]


class RunNow(Action):
    def act(self, backend: Any, ids: list[UUID], values: Values) -> list[UUID]:
        made = run_now(backend.connection, ids)
        if made:
            wake_after_commit(vendor_of(backend.connection))
        return made


class Delete(Action):
    def act(self, backend: Any, ids: list[UUID], values: Values) -> list[UUID]:
        return delete(backend.connection, ids)


class MoveForm(forms.Form):
    queue_name = forms.CharField(
        label=_("To the queue"),
        max_length=128,
        required=False,
        widget=TextWithChoices(queues),
        help_text=_("Empty leaves each in its own."),
    )
    priority = forms.IntegerField(
        label=_("With the priority"),
        min_value=-100,
        max_value=100,
        required=False,
        help_text=_("-100 to 100; higher runs first. Empty leaves each its own."),
    )

    def clean_queue_name(self) -> str:
        name: str = self.cleaned_data["queue_name"]
        known = queues()
        if name and known and name not in known:
            raise forms.ValidationError(
                _("The settings have no queue “%(name)s”. There are: %(known)s."),
                params={"name": name, "known": ", ".join(known)},
            )
        return name

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = self.cleaned_data
        if not self.errors and not data["queue_name"] and data["priority"] is None:
            raise forms.ValidationError(_("Name a queue or a priority, or both."))
        return data


class MoveTo(Action):
    def form(self, data: Any = None) -> forms.Form:
        return MoveForm(data)

    def act(self, backend: Any, ids: list[UUID], values: Values) -> list[UUID]:
        queue_name, priority = values["queue_name"] or None, values["priority"]
        moved = move(backend.connection, ids, queue_name, priority)
        if moved:
            wake_after_commit(vendor_of(backend.connection))
        return moved


ACTIONS: dict[str, Action] = {
    each.name: each
    for each in (
        Retry(
            "retry",
            _("Retry"),
            "retry_job",
            ("failed", "lost"),
            (FINISHED, FAILURES, *OUTCOMES),
            _("They will be ready for one more attempt, under the same ids."),
            ngettext_lazy(
                "Retried: %(number)s job.", "Retried: %(number)s jobs.", "number"
            ),
            at_once=True,
        ),
        Cancel(
            "cancel",
            _("Cancel"),
            "cancel_job",
            (DEFERRED, READY, RUNNING),
            (DEFERRED, READY, RUNNING),
            _("Those that wait end at once; those that run are told to stop."),
            ngettext_lazy(
                "Cancelled: %(number)s job.", "Cancelled: %(number)s jobs.", "number"
            ),
            at_once=True,
        ),
        RunNow(
            "run_now",
            _("Run now"),
            "run_job_now",
            (DEFERRED,),
            (DEFERRED,),
            _("They will be ready at once, instead of at their time."),
            ngettext_lazy(
                "Made ready: %(number)s job.", "Made ready: %(number)s jobs.", "number"
            ),
            at_once=True,
        ),
        MoveTo(
            "move",
            _("Change queue or priority"),
            "move_job",
            (DEFERRED, READY),
            (DEFERRED, READY),
            _("Jobs that run or have finished are left."),
            ngettext_lazy(
                "Moved: %(number)s job.", "Moved: %(number)s jobs.", "number"
            ),
        ),
        Delete(
            "delete",
            _("Delete"),
            "delete_job",
            (DEFERRED, READY, FINISHED),
            (DEFERRED, READY, FINISHED, FAILURES, *OUTCOMES),
            _("With their results, attempts and logs. This cannot be undone."),
            ngettext_lazy(
                "Deleted: %(number)s job.", "Deleted: %(number)s jobs.", "number"
            ),
            flag=DELETION,
        ),
    )
}
