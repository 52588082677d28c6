"""The SQL of the page on operating runs, and finds what the page says."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection

from tests.elsewhere import Elsewhere, elsewhere

from .pages import blocks

pytestmark = pytest.mark.only_on("postgresql")


def answers(number: int) -> list[dict[str, Any]]:
    _, text = blocks("howto/operating.md", "sql")[number]
    with connection.cursor() as cursor:
        cursor.execute(text)
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


@pytest.mark.django_db
def test_tables_are_shown_with_their_autovacuum_settings() -> None:
    rows = {row["relname"]: row for row in answers(0)}
    for name in ("readyjob", "deferredjob", "runningjob"):
        options = rows[f"django_bgtasks_{name}"]["reloptions"]
        assert "autovacuum_vacuum_threshold=2000" in options
        assert "autovacuum_vacuum_scale_factor=0" in options


def hold(other: Elsewhere) -> int:
    def begin() -> int:
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            cursor.execute("SELECT pg_backend_pid()")
            return int(cursor.fetchone()[0])

    other.begin()
    return other.run(begin)


@pytest.mark.django_db(transaction=True)
def test_session_that_holds_a_snapshot_is_named() -> None:
    with elsewhere() as other:
        pid = hold(other)
        assert pid in [row["pid"] for row in answers(1)]
        other.rollback()
