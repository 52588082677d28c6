"""What of a schedule's arguments is sensitive, and so is shown to nobody."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _

from ..overview.masks import mask_of_call
from ..sensitive import put_back

_NAMES = ("args", "kwargs", "metadata")


def shown(schedule: Any, name: str) -> Any:
    """Return arguments or metadata of a schedule as they may be shown."""
    value = getattr(schedule, name)
    if value is None or name not in _NAMES:
        return value
    mask = mask_of_call(schedule.task_path, schedule.backend)
    return mask.args(value) if name == "args" else mask.kwargs(value)


class HiddenArguments(forms.ModelForm):  # type: ignore[type-arg]
    """A hidden value that is left as it is shown stays what it is.

    Only as long as the task stays, too: another might not hide it.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._hidden: dict[str, tuple[Any, Any]] = {}
        for name in _NAMES:
            value = getattr(self.instance, name)
            if name in self.fields and (seen := shown(self.instance, name)) != value:
                self._hidden[name] = seen, value
                self.initial[name] = seen

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        is_other_task = {"task_path", "backend"} & {*self.changed_data}
        for name, (seen, value) in self._hidden.items():
            if name not in data:
                continue
            found = put_back(data[name], seen, value)
            if is_other_task and found != data[name]:
                text = _(
                    "Write the hidden values anew, since this is for another task."
                )
                self.add_error(name, text)
            else:
                data[name] = found
        return data
