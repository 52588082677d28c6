"""Rows as a hand with a database client may leave them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.db import connection


@contextmanager
def lenient() -> Iterator[None]:
    """Have MySQL take what it would refuse by default, such as dates of zeros."""
    if connection.vendor != "mysql":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT @@SESSION.sql_mode")
        (mode,) = cursor.fetchone()
        cursor.execute("SET SESSION sql_mode = ''")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SET SESSION sql_mode = %s", [mode])


def write(model: Any, values: Mapping[str, Any], pk: Any = None) -> None:
    """Write into columns of all rows, or of one, past every check."""
    meta, quote = model._meta, connection.ops.quote_name
    columns = ", ".join(f"{quote(name)} = %s" for name in values)
    query, params = f"UPDATE {quote(meta.db_table)} SET {columns}", [*values.values()]
    if pk is not None:
        query += f" WHERE {quote(meta.pk.column)} = %s"
        params.append(meta.pk.get_db_prep_value(pk, connection))
    with connection.cursor() as cursor:
        cursor.execute(query, params)
