"""The short way is for what Django itself does."""

from __future__ import annotations

from typing import Any

import pytest
from django.db.backends.sqlite3.base import DatabaseWrapper
from django.utils.asyncio import async_unsafe

from django_bgtasks.vendors import short_way


class Keeping(DatabaseWrapper):
    """A backend that keeps sessions by itself, decorated as Django's own are."""

    @async_unsafe
    def get_new_connection(self, conn_params: Any) -> Any:
        return None


class Renamed(DatabaseWrapper):
    """One that differs in nothing that matters."""


@pytest.mark.parametrize(("kind", "opened"), [(Keeping, False), (Renamed, True)])
def test_session_is_opened_by_django_alone(kind: type, opened: bool) -> None:
    assert short_way.is_opened(object.__new__(kind)) is opened
