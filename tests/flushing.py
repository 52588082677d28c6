"""Emptying the database after a test that commits, without what takes longest.

Django then writes the content types and the permissions anew, some hundred rows,
by a few hundred statements. They are the same each time, so they are left alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.core.management.commands import flush

_KEPT = {"auth_permission", "django_content_type"}


@contextmanager
def quick_flush() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(flush, "sql_flush", _statements)
        patch.setattr(flush, "emit_post_migrate_signal", lambda *args, **kwargs: None)
        yield


def _statements(
    style: Any,
    connection: Any,
    reset_sequences: bool = True,
    allow_cascade: bool = False,
) -> list[str]:
    names = connection.introspection.django_table_names(
        only_existing=True, include_views=False
    )
    statements: list[str] = connection.ops.sql_flush(
        style,
        sorted(set(names) - _KEPT),
        reset_sequences=reset_sequences,
        allow_cascade=allow_cascade,
    )
    return statements
