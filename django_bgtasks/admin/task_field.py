"""The task of a schedule: chosen from those that are declared, never typed."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Mapping
from typing import Any

from django import forms
from django.apps import apps
from django.utils.html import format_html, json_script
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from .. import registry
from .base import database_backends

logger = logging.getLogger("django_bgtasks.admin")


def tasks() -> dict[str, Any]:
    """Return the declared tasks by their paths.

    A module of tasks that cannot be imported is logged; its tasks are left out.
    """
    modules = {
        path
        for backend in database_backends().values()
        for path in backend.settings.task_modules
    }
    try:
        registry.discover(sorted(modules))
    except Exception:
        logger.exception("Some tasks cannot be chosen: a module of tasks has failed.")
    return dict(registry.declared())


def about(task: Any) -> dict[str, str]:
    """Return the signature and the docstring of a task's function."""
    parameters = list(inspect.signature(task.func).parameters.values())
    if task.takes_context:
        parameters = parameters[1:]
    signature = inspect.Signature(
        [each.replace(annotation=_bare(each.annotation)) for each in parameters]
    )
    return {
        "signature": f"{task.name}{signature}",
        "text": inspect.getdoc(task.func) or "",
    }


class _Bare(str):
    """An annotation that is a text, to be printed without quotes."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def _bare(annotation: Any) -> Any:
    return _Bare(annotation) if isinstance(annotation, str) else annotation


class TaskSelect(forms.Select):
    """A select with what is known of the chosen task below it."""

    known: Mapping[str, Any] = {}

    def render(
        self, name: str, value: Any, attrs: Any = None, renderer: Any = None
    ) -> SafeString:
        select = super().render(name, value, attrs, renderer)
        facts = {path: about(task) for path, task in self.known.items()}
        chosen = facts.get(str(value), {"signature": "", "text": ""})
        return format_html(
            '<div class="bgtasks-task">{}'
            '<div class="bgtasks-about" data-bgtasks-about aria-live="polite">'
            "<code>{}</code><p>{}</p></div>{}</div>",
            select,
            chosen["signature"],
            chosen["text"],
            json_script(facts, "bgtasks-tasks"),
        )


class TaskField(forms.ChoiceField):
    """The path of a declared task.

    A stored path that no longer leads to one is among the choices, so that it is
    seen, and refused when it is sent.
    """

    widget = TaskSelect
    _gone = ""
    default_error_messages = {
        "gone": _("There is no task “%(value)s” any more. Choose another."),
        "required": _("Choose the task to run."),
    }

    def offer(self, stored: str = "") -> None:
        """Fill in the choices, and the stored path among them."""
        known = tasks()
        groups: dict[str, list[tuple[str, str]]] = {}
        for path, task in known.items():
            label = f"{task.name} ({path.rpartition('.')[0]})"
            groups.setdefault(_app_of(path), []).append((path, label))
        choices: list[Any] = [("", "---------"), *sorted(groups.items())]
        self._gone = stored if stored and stored not in known else ""
        if self._gone:
            choices.append((_("No longer there"), [(self._gone, self._gone)]))
        self.choices = choices
        widget: Any = self.widget
        widget.known = known

    def validate(self, value: Any) -> None:
        if value and value == self._gone:
            raise forms.ValidationError(
                self.error_messages["gone"], "gone", {"value": value}
            )
        super().validate(value)


def _app_of(path: str) -> str:
    config = apps.get_containing_app_config(path)
    return str(config.verbose_name) if config else path.partition(".")[0]
