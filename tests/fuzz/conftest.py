from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from . import cases


@pytest.fixture(scope="session", autouse=True)
def _outside(pytestconfig: pytest.Config) -> Iterator[None]:
    """Let a case that ends the run be told where it can be read."""
    capture: Any = pytestconfig.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        copy = os.dup(2)
    with os.fdopen(copy, "w") as cases.outside:
        yield
