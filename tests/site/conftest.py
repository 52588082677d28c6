from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from django_bgtasks.lifecycle import report
from tests.inline import InlineWorker


@pytest.fixture(autouse=True)
def _pages(settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.site.urls"


@pytest.fixture
def worker(db: None) -> InlineWorker:
    return InlineWorker()


@pytest.fixture
def options(settings: Any) -> Callable[..., None]:
    """Set OPTIONS of the default backend."""

    def change(**given: Any) -> None:
        backend = {**settings.TASKS["default"], "OPTIONS": given}
        settings.TASKS = {**settings.TASKS, "default": backend}

    return change


@pytest.fixture
def tell_progress() -> Callable[..., None]:
    """Have a job say how far it is, as its worker would."""

    def tell(result: Any, done: float, total: float | None = None) -> None:
        values = {"done": done, "total": total}
        report.store("default", result.id, values, timezone.now())

    return tell
