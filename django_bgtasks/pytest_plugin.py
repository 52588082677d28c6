"""Fixtures for pytest, found by themselves where the package is installed.

They need pytest-django.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .testing import BgTasksMixin


@pytest.fixture
def bgtasks(db: None) -> BgTasksMixin:
    """``run_pending()``, ``assert_enqueued()`` and the others of
    ``django_bgtasks.testing``, with the database they need."""
    # Django is not set up yet when pytest loads this module.
    from .testing import BgTasksMixin

    return BgTasksMixin()


@pytest.fixture
def bgtasks_inline(bgtasks: BgTasksMixin, settings: Any) -> BgTasksMixin:
    """The same, with every job run as it is enqueued."""
    from django.utils.module_loading import import_string

    from .backend import DatabaseBackend

    def inline(entry: dict[str, Any]) -> dict[str, Any]:
        if issubclass(import_string(entry["BACKEND"]), DatabaseBackend):
            return {**entry, "BACKEND": "django_bgtasks.testing.InlineBackend"}
        return entry

    settings.TASKS = {alias: inline(entry) for alias, entry in settings.TASKS.items()}
    return bgtasks
