"""Emptying the database after a test that commits, without what takes longest.

Django then writes the content types and the permissions anew, some hundred rows,
by a few hundred statements. They are the same each time, so they are left alone. It
also truncates every table, which costs a server more than to see that nearly all of
them are empty.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.core.management.commands import flush

_KEPT = {"auth_permission", "django_content_type"}
# What is deleted leaves dead rows behind; so many are truncated.
_MANY = 1_000


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
    tables = sorted(set(names) - _KEPT)
    if not reset_sequences:
        used = _used(connection, tables)
        if connection.vendor != "postgresql" or max(used.values(), default=0) < _MANY:
            return _deletions(connection, list(used))
    statements: list[str] = connection.ops.sql_flush(
        style,
        tables,
        reset_sequences=reset_sequences,
        allow_cascade=allow_cascade,
    )
    return statements


def _used(connection: Any, tables: list[str]) -> dict[str, int]:
    """Return the tables that have rows, and how many, up to a bound."""
    counts = " UNION ALL ".join(
        f"SELECT '{table}', COUNT(*) FROM "
        f"(SELECT 1 FROM {connection.ops.quote_name(table)} LIMIT {_MANY}) AS part"
        for table in tables
    )
    with connection.cursor() as cursor:
        cursor.execute(counts)
        return {table: count for table, count in cursor.fetchall() if count}


def _deletions(connection: Any, tables: list[str]) -> list[str]:
    # In any order: the constraints of PostgreSQL and SQLite are looked at when the
    # transaction ends, those of the others not at all meanwhile.
    quote = connection.ops.quote_name
    statements = [f"DELETE FROM {quote(table)}" for table in tables]
    if connection.vendor == "mysql" and statements:
        off, on = (f"SET FOREIGN_KEY_CHECKS = {value}" for value in (0, 1))
        return [off, *statements, on]
    return statements
