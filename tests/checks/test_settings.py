"""What `manage.py check` says of the settings."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.checks import CheckMessage, Error, run_checks
from django.core.management import call_command
from django.db import connections

from django_bgtasks import checks
from django_bgtasks.checks import (
    check_backend,
    check_installation,
    worker_problems,
)
from django_bgtasks.vendors import vendor_of


def ids(messages: list[CheckMessage]) -> list[str | None]:
    return [message.id for message in messages]


def test_settings_of_the_suite_are_fine() -> None:
    ours = [each for each in run_checks() if str(each.id).startswith("django_bgtasks")]
    assert ours == []


def test_unknown_option_is_an_error_that_names_the_nearest(configure: Any) -> None:
    configure(RETENTON="1d")
    (message,) = run_checks()
    assert isinstance(message, Error)
    assert message.id == "django_bgtasks.E001"
    assert "TASKS['default']['OPTIONS']['RETENTON'] is no option" in message.msg
    assert message.hint == "Did you mean 'RETENTION'?"


def test_unknown_option_like_no_other_gets_the_list(configure: Any) -> None:
    (message,) = check_backend(configure(XYZZY=1))
    assert "MAX_ATTEMPTS" in str(message.hint)


def test_value_that_cannot_be_is_an_error(configure: Any) -> None:
    backend = configure()
    # A backend with such a value is not even made; its options may be changed.
    backend.options["TIMEOUT"] = "soon"
    (message,) = check_backend(backend)
    assert message.id == "django_bgtasks.E002"
    assert "['TIMEOUT'] is invalid: 'soon'" in message.msg


@pytest.mark.parametrize("option", ["DATABASE", "LISTEN"])
def test_database_that_is_not_there_is_an_error(configure: Any, option: str) -> None:
    (message,) = check_backend(configure(**{option: "jobs"}))
    assert message.id == "django_bgtasks.E003"
    assert (
        f"['OPTIONS']['{option}'] is 'jobs', which is not in DATABASES" in message.msg
    )
    assert message.hint == "DATABASES has: default."


def test_unsupported_database_is_an_error(configure: Any, add_database: Any) -> None:
    add_database("jobs", {"ENGINE": "django.db.backends.dummy"})
    (message,) = check_backend(configure(DATABASE="jobs"))
    assert message.id == "django_bgtasks.E004"
    assert "DATABASES['jobs'] is unknown" in message.msg


class Elsewhere:
    def db_for_write(self, model: Any, **hints: Any) -> str | None:
        return "jobs" if model._meta.app_label == "django_bgtasks" else None


class Refusing:
    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        return app_label != "django_bgtasks"


def test_router_that_parts_jobs_from_data_is_warned_of(
    configure: Any, add_database: Any, settings: Any
) -> None:
    add_database("jobs", dict(connections["default"].settings_dict))
    settings.DATABASE_ROUTERS = [Elsewhere()]
    (message,) = check_backend(configure())
    assert message.id == "django_bgtasks.W002"
    assert "to the database 'jobs'" in message.msg


def test_database_of_choice_is_not_warned_of(configure: Any, add_database: Any) -> None:
    add_database("jobs", dict(connections["default"].settings_dict))
    assert check_backend(configure(DATABASE="jobs")) == []


def test_router_that_refuses_the_tables_is_an_error(
    configure: Any, settings: Any
) -> None:
    settings.DATABASE_ROUTERS = [Refusing()]
    (message,) = check_backend(configure())
    assert message.id == "django_bgtasks.E005"
    assert "('default', 'django_bgtasks')" in str(message.hint)


def test_runworker_of_another_app_is_warned_of(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(checks, "get_commands", lambda: {"runworker": "channels"})
    (message,) = check_installation()
    assert message.id == "django_bgtasks.W001"
    assert "that of 'channels'" in message.msg
    assert "manage.py bgtasks worker" in str(message.hint)


def test_missing_backport_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    # To install it for real would register its checks for the tests that follow.
    installed: set[str] = set()
    apps = SimpleNamespace(is_installed=installed.__contains__)
    monkeypatch.setattr(checks, "CORE", False)
    monkeypatch.setattr(checks, "apps", apps)
    assert ids(check_installation()) == ["django_bgtasks.E006"]
    installed.add("django_tasks")
    assert check_installation() == []


@pytest.mark.only_on("sqlite")
@pytest.mark.parametrize("mode", [None, "DEFERRED"])
def test_sqlite_without_immediate_is_warned_of(connect: Any, mode: str | None) -> None:
    (finding,) = vendor_of(connect(transaction_mode=mode)).findings(live=False)
    assert finding.code == "W003"
    assert "'transaction_mode'] to 'IMMEDIATE'" in finding.hint


@pytest.mark.only_on("sqlite")
def test_old_sqlite_is_an_error(connect: Any) -> None:
    other = connect()
    # A library that old cannot be had beside the one that Python is linked with.
    other.Database = SimpleNamespace(
        sqlite_version_info=(3, 34, 1), sqlite_version="3.34.1"
    )
    (finding,) = vendor_of(other).findings(live=False)
    assert finding.code == "E009"
    assert "3.34.1" in finding.message


@pytest.mark.only_on("postgresql")
def test_psycopg2_is_an_error(monkeypatch: pytest.MonkeyPatch, configure: Any) -> None:
    monkeypatch.setattr("django.db.backends.postgresql.psycopg_any.is_psycopg3", False)
    (message,) = check_backend(configure())
    assert message.id == "django_bgtasks.E007"
    assert "psycopg 3" in str(message.hint)


@pytest.mark.only_on("mariadb", "mysql")
def test_other_isolation_level_is_an_error(
    configure: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = connections["default"].settings_dict["OPTIONS"]
    monkeypatch.setitem(options, "isolation_level", "repeatable read")
    (message,) = check_backend(configure())
    assert message.id == "django_bgtasks.E008"
    assert "REPEATABLE READ" in message.msg
    assert "'read committed'" in str(message.hint)


def test_check_command_fails_on_an_error(configure: Any) -> None:
    from django.core.management import CommandError

    configure(MAX_ATEMPTS=3)
    with pytest.raises(CommandError, match="Did you mean 'MAX_ATTEMPTS'"):
        call_command("check")


def test_worker_needs_an_answer(
    configure: Any, add_database: Any, tmp_path: Path, django_db_blocker: Any
) -> None:
    entry = dict(connections["default"].settings_dict)
    # No file, no socket and no port answers here.
    entry.update(NAME="/nonexistent/db", HOST=str(tmp_path), PORT="1")
    add_database("nowhere", entry)
    with django_db_blocker.unblock():
        (message,) = worker_problems(configure(DATABASE="nowhere"))
    assert message.id == "django_bgtasks.E010"
    assert "'nowhere', which holds the jobs, does not answer" in message.msg
