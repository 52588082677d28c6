"""What `migrate`, `check --database` and a worker's start say of the databases."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.checks import CheckMessage
from django.core.management import call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from django_bgtasks.checks import check_databases, worker_problems
from django_bgtasks.vendors import vendor_of

pytestmark = pytest.mark.django_db


def ids(messages: list[CheckMessage]) -> list[str | None]:
    return [message.id for message in messages]


def test_database_of_the_suite_is_fine(configure: Any) -> None:
    assert check_databases(databases=["default"]) == []
    assert worker_problems(configure()) == []


def test_nothing_is_asked_without_being_told_to(
    configure: Any, django_assert_num_queries: Any
) -> None:
    configure()
    with django_assert_num_queries(0):
        assert check_databases() == []
        assert check_databases(databases=["other"]) == []


def test_worker_needs_the_migrations(configure: Any) -> None:
    recorder = MigrationRecorder(connection)
    latest = max(
        name for app, name in recorder.applied_migrations() if app == "django_bgtasks"
    )
    recorder.record_unapplied("django_bgtasks", latest)
    (message,) = worker_problems(configure())
    assert message.id == "django_bgtasks.E011"
    assert latest in message.msg
    assert "manage.py migrate" in str(message.hint)


def test_worker_asks_no_database_that_is_not_there(configure: Any) -> None:
    assert ids(worker_problems(configure(DATABASE="jobs"))) == ["django_bgtasks.E003"]


def test_silenced_error_does_not_keep_a_worker_from_starting(
    configure: Any, settings: Any
) -> None:
    backend = configure(RETENTON="1d")
    assert ids(worker_problems(backend)) == ["django_bgtasks.E001"]
    settings.SILENCED_SYSTEM_CHECKS = ["django_bgtasks.E001"]
    assert worker_problems(backend) == []


@pytest.mark.only_on("sqlite")
def test_file_without_write_ahead_log_is_warned_of(
    connect: Any, tmp_path: Path
) -> None:
    other = connect(name=str(tmp_path / "plain.sqlite3"), init_command="")
    (finding,) = vendor_of(other).findings(live=True)
    assert finding.code == "W004"
    assert "'delete'" in finding.message
    vendor_of(other).prepare_worker()
    assert vendor_of(other).findings(live=True) == []


@pytest.mark.only_on("sqlite")
def test_database_in_memory_is_not_warned_of(connect: Any) -> None:
    assert vendor_of(connect(name=":memory:")).findings(live=True) == []


@pytest.mark.only_on("mariadb", "mysql")
def test_level_that_the_server_chose_is_an_error(connect: Any) -> None:
    other = connect(isolation_level=None)
    with other.cursor() as cursor:
        cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    assert vendor_of(other).findings(live=False) == []
    (finding,) = vendor_of(other).findings(live=True)
    assert finding.code == "E008"
    assert "REPEATABLE READ" in finding.message


@pytest.mark.only_on("mariadb", "mysql")
def test_wrong_level_is_told_of_once(connect: Any) -> None:
    other = vendor_of(connect(isolation_level="repeatable read"))
    assert [each.code for each in other.findings(live=False)] == ["E008"]
    assert other.findings(live=True) == []


@pytest.mark.only_on("mariadb")
def test_old_server_is_an_error(connect: Any) -> None:
    other = connect()
    # A server that old is not here.
    other.__dict__["mysql_version"] = (10, 5, 23)
    (finding,) = vendor_of(other).findings(live=True)
    assert finding.code == "E009"
    assert "10.5.23" in finding.message
    assert "10.6" in finding.hint


def test_check_command_asks_the_database_it_is_told(
    configure: Any, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    configure()
    asked = []
    vendor = vendor_of(connection)
    monkeypatch.setattr(
        type(vendor), "findings", lambda self, *, live: asked.append(live) or []
    )
    call_command("check", databases=["default"])
    assert True in asked
