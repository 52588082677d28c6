from __future__ import annotations

import pytest

from tests.inline import InlineWorker


@pytest.fixture
def worker(db: None) -> InlineWorker:
    """A worker inside the test's transaction, which is rolled back."""
    return InlineWorker()


@pytest.fixture
def committing_worker(transactional_db: None) -> InlineWorker:
    """A worker whose every step is committed."""
    return InlineWorker()
