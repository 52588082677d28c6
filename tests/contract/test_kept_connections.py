"""Connections that threads keep from task to task, until the database was away."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection, transaction

from django_bgtasks.processes import tidy
from django_bgtasks.processes.outage import Outage

pytestmark = pytest.mark.only_on("postgresql", "mariadb", "mysql")


@pytest.fixture(autouse=True)
def _kept(transactional_db: None, monkeypatch: Any) -> Iterator[None]:
    monkeypatch.setitem(connection.settings_dict, "CONN_MAX_AGE", 600)
    connection.close()
    tidy.refresh()
    yield
    connection.close()


@pytest.fixture
def outage(committed, other):
    """What the thread that claims knows of the database."""
    return other.run(lambda: Outage(committed.vendor))


def session() -> Any:
    connection.ensure_connection()
    return connection.connection


def test_connection_is_kept_while_nothing_is_wrong():
    kept = session()
    tidy.refresh()
    assert session() is kept


def test_connection_of_before_an_outage_is_made_anew(outage, other):
    kept = session()
    other.run(lambda: outage.note(ValueError("away")))
    tidy.refresh()
    assert session() is not kept


def test_connection_of_during_an_outage_is_made_anew_once_more(outage, other):
    """It may lead to a server that only reads."""
    other.run(lambda: outage.note(ValueError("away")))
    tidy.refresh()
    kept = session()
    other.run(outage.over)
    tidy.refresh()
    assert session() is not kept
    kept = session()
    other.run(outage.over)
    tidy.refresh()
    assert session() is kept


def test_transaction_that_is_open_is_let_end(outage, other):
    with transaction.atomic():
        kept = session()
        other.run(lambda: outage.note(ValueError("away")))
        tidy.refresh()
        assert session() is kept
    assert tidy.has_expired()
    tidy.refresh()
    assert session() is not kept
    assert not tidy.has_expired()
