from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.inline import InlineWorker

from . import tasks


@pytest.fixture(autouse=True)
def _forget_what_was_seen() -> None:
    tasks.seen.clear()


@pytest.fixture
def worker(db: None) -> InlineWorker:
    """A worker inside the test's transaction, which is rolled back."""
    return InlineWorker()


@pytest.fixture
def committing_worker(transactional_db: None) -> InlineWorker:
    """A worker whose every step is committed."""
    return InlineWorker()


@pytest.fixture
def options(settings: Any) -> Callable[..., None]:
    """Set OPTIONS of the default backend."""

    def change(**given: Any) -> None:
        settings.TASKS = {
            "default": {
                "BACKEND": "django_bgtasks.backend.DatabaseBackend",
                "QUEUES": [],
                "OPTIONS": given,
            }
        }

    return change
