from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

import pytest
from django.db import connection, connections

from django_bgtasks.compat import task_backends

Configure = Callable[..., Any]


@pytest.fixture
def configure(settings: Any) -> Configure:
    """Return the default backend, made anew with these OPTIONS."""

    def make(**options: Any) -> Any:
        settings.TASKS = {
            "default": {
                "BACKEND": "django_bgtasks.backend.DatabaseBackend",
                "QUEUES": [],
                "OPTIONS": options,
            }
        }
        return task_backends["default"]

    return make


@pytest.fixture
def connect(db: None) -> Iterator[Callable[..., Any]]:
    """Return another connection to the test's server, with other settings."""
    made = []

    def make(*, name: str | None = None, **options: Any) -> Any:
        entry = deepcopy(connection.settings_dict)
        entry["OPTIONS"] = {**entry["OPTIONS"], **options}
        entry["NAME"] = name or entry["NAME"]
        other = type(connections["default"])(entry, "default")
        made.append(other)
        return other

    yield make
    for other in made:
        other.close()


@pytest.fixture
def add_database(
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Callable[[str, dict[str, Any]], None]]:
    """Put an entry into DATABASES while the test runs."""
    added = []

    def add(alias: str, entry: dict[str, Any]) -> None:
        changed = {**connections.settings, alias: entry}
        monkeypatch.setattr(
            connections, "settings", connections.configure_settings(changed)
        )
        added.append(alias)

    yield add
    for alias in added:
        del connections[alias]
