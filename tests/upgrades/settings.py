"""Settings of both sides; the older one has the tasks of its own time as well."""

from __future__ import annotations

import os
from pathlib import Path

import tests

if _older := os.environ.get("BGTASKS_UPGRADE_FROM"):
    tests.__path__.insert(0, str(Path(_older, "tests")))

from tests.chaos.settings import *  # noqa: F403

# Nothing is rendered, and older code asks for the admin where it might be.
TEMPLATES: list[object] = []
