"""Whole tables: statements without rows, and statistics."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import connection


def table(model: Any) -> str:
    """Return the quoted name of a model's table."""
    return connection.ops.quote_name(model._meta.db_table)


def run(statement: str) -> None:
    """Execute a statement, and read to its end what it answers."""
    with connection.cursor() as cursor:
        cursor.execute(statement)
        if cursor.description:
            cursor.fetchall()


def analyze(models: Iterable[Any]) -> None:
    """Gather the statistics that a server gathers by itself, sooner or later."""
    words = {"mysql": "ANALYZE TABLE", "postgresql": "VACUUM ANALYZE"}
    word = words.get(connection.vendor, "ANALYZE")
    for model in models:
        run(f"{word} {table(model)}")
