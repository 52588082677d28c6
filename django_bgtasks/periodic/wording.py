"""Translations that may be asked for at any time.

Tasks, and the schedules above them, may be imported before the apps are ready.
There are no translations then.
"""

from __future__ import annotations

from django.apps import apps
from django.utils import translation


def _(message: str) -> str:
    """Return ``message`` in the language of the moment."""
    return translation.gettext(message) if apps.apps_ready else message


def ngettext(singular: str, plural: str, number: int) -> str:
    """Return the one of two messages that fits ``number``; see ``_``."""
    if apps.apps_ready:
        return translation.ngettext(singular, plural, number)
    return singular if number == 1 else plural
