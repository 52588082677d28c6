"""JSON to be edited by people: what is wrong is said with its line and column."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms.widgets import Script
from django.utils.translation import gettext_lazy as _

from ..payload import printable


class JSONEditor(forms.Textarea):
    """A text area that a script makes easier: brackets, indentation, live checks."""

    class Media:
        css = {"all": ("django_bgtasks/schedule.css",)}
        js = (Script("django_bgtasks/json-editor.js", defer=True),)

    def __init__(self, kind: str) -> None:
        super().__init__(
            {
                "class": "vLargeTextField bgtasks-json",
                "rows": 4,
                "spellcheck": "false",
                "autocapitalize": "off",
                "autocomplete": "off",
                "data-bgtasks-json": kind,
            }
        )

    def build_attrs(self, base_attrs: Any, extra_attrs: Any = None) -> dict[str, Any]:
        """Add what the script says, in the language of the page."""
        words = {
            "indent": _("Indent"),
            "valid": _("Valid JSON"),
            "array": _('A list is needed, such as [1, "two"].'),
            "object": _('An object is needed, such as {"key": 1}.'),
        }
        said = {name: str(text) for name, text in words.items()}
        attributes = super().build_attrs(base_attrs, extra_attrs)
        return {**attributes, "data-bgtasks-words": json.dumps(said)}


class JSONEditorField(forms.CharField):
    """A list or an object in JSON; ``empty`` makes what stands for no text.

    Stricter than Python: no NaN, and no key twice. Text that was put into the row
    by hand and is no JSON is shown as it is.
    """

    default_error_messages = {
        "syntax": _("Line %(line)d, column %(column)d: %(message)s."),
        "invalid": _("This is no JSON: %(message)s."),
    }

    def __init__(self, kind: str, empty: Any, **kwargs: Any) -> None:
        self.empty = empty
        super().__init__(required=False, widget=JSONEditor(kind), **kwargs)

    def prepare_value(self, value: Any) -> Any:
        if value is None or isinstance(value, str):
            return value or ""
        return printable(json.dumps(value, indent=2, ensure_ascii=False))

    def to_python(self, value: Any) -> Any:
        text = str(value or "").strip()
        if not text:
            return self.empty()
        try:
            found = json.loads(
                text, parse_constant=_no_constant, object_pairs_hook=_no_twins
            )
            _check_text(found)
        except json.JSONDecodeError as error:
            where = {"line": error.lineno, "column": error.colno, "message": error.msg}
            raise ValidationError(
                self.error_messages["syntax"], "syntax", where
            ) from error
        except (ValueError, RecursionError) as error:
            raise ValidationError(
                self.error_messages["invalid"], "invalid", {"message": error}
            ) from error
        return found

    def validate(self, value: Any) -> None:
        # An empty list is a value.
        pass

    def run_validators(self, value: Any) -> None:
        # Those of CharField are about the text.
        pass

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return _text(self.to_python(data)) != _text(initial)
        except ValidationError:
            return True


def _text(value: Any) -> str:
    return json.dumps(value)


def _check_text(value: Any) -> None:
    """Raise ValueError if a text within could be printed on no page."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise ValueError("a lone surrogate is no valid text") from None


def _no_constant(name: str) -> Any:
    raise ValueError(_("%(name)s is no number of JSON") % {"name": name})


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _value in pairs]
        twin = next(name for name in names if names.count(name) > 1)
        raise ValueError(_("the key “%(key)s” is there twice") % {"key": twin})
    return found
