from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django import forms


class TextWithChoices(forms.TextInput):
    """A text field that offers texts as one types: the browser searches them."""

    template_name = "admin/django_bgtasks/schedule/text_with_choices.html"

    def __init__(self, offer: Callable[[], Iterable[str]], css_class: str = "") -> None:
        super().__init__({"class": f"vTextField {css_class}".strip()})
        self._offer = offer

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context(name, value, attrs)
        attributes = context["widget"]["attrs"]
        attributes.update(
            list=f"{name}-choices", autocomplete="off", spellcheck="false"
        )
        return {**context, "choices": self._offer()}
