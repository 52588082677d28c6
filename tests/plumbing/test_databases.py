"""The suite's own footing: the database of a run, and processes that share it."""

from __future__ import annotations

import os
import signal

import psutil
import pytest
from django.db import connection

from tests import databases
from tests.testapp.models import Effect
from tests.waiting import eventually

COUNT = (
    "from tests.testapp.models import Effect;print('effects', Effect.objects.count())"
)
SLEEP = "import time; print('asleep', flush=True); time.sleep(600)"
PARENT = (
    "import subprocess, sys;"
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']);"
    "print('child', child.pid, flush=True);"
    "child.wait()"
)


def test_connection_is_to_the_vendor_of_the_run(db: None, vendor: str) -> None:
    found = connection.vendor
    if found == "mysql" and connection.mysql_is_mariadb:
        found = "mariadb"
    assert found == vendor


def test_command_sees_what_the_test_has_committed(transactional_db, run_manage):
    Effect.objects.create(key="one")
    command = run_manage("shell", "-v", "0", "-c", COUNT)
    assert command.wait() == 0
    assert command.wait_for_line(r"effects (\d+)")[1] == "1"


def test_rows_of_one_test_are_gone_in_the_next(transactional_db, run_manage):
    command = run_manage("shell", "-v", "0", "-c", COUNT)
    assert command.wait_for_line(r"effects (\d+)")[1] == "0"


def test_waiting_for_a_line_ends_with_the_output(run_manage):
    command = run_manage("shell", "-v", "0", "-c", "print('short')")
    with pytest.raises(AssertionError, match="ended without a line like 'long'"):
        command.wait_for_line("long")


def test_stop_asks_and_reports_the_exit_code(run_manage):
    command = run_manage("shell", "-v", "0", "-c", SLEEP)
    command.wait_for_line("asleep")
    assert command.stop() == -signal.SIGTERM


def test_kill_reaches_the_children_that_a_killed_parent_left(run_manage):
    command = run_manage("shell", "-v", "0", "-c", PARENT)
    child = psutil.Process(int(command.wait_for_line(r"child (\d+)")[1]))
    os.kill(command.pid, signal.SIGKILL)
    command.kill()
    eventually(
        lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE,
        "the child to be gone",
    )
    assert command.group() == []


@pytest.mark.once
@pytest.mark.parametrize(
    "address",
    [
        "sqlite:////tmp/a%20b/test.sqlite3",
        "postgresql://postgres@127.0.0.1:5432/test_one",
        "postgresql://me:p%40ss%2Fword@db.example/test_one",
        "postgresql://postgres@/test_one?host=/tmp/socket",
        "mysql://root@127.0.0.1:3306/test_one",
        "mysql://root:pass@/test_one?unix_socket=/run/mysqld.sock",
    ],
)
def test_url_of_a_database_leads_back_to_it(address: str) -> None:
    entry = databases.from_url(address)
    assert databases.from_url(databases.to_url(entry)) == entry


@pytest.mark.once
def test_socket_of_an_embedded_server_is_in_the_url() -> None:
    entry = {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "test_one",
        "USER": "postgres",
        "HOST": "/tmp/socket",
    }
    read = databases.from_url(databases.to_url(entry))
    assert read["OPTIONS"]["host"] == "/tmp/socket"
    assert (read["NAME"], read["USER"]) == ("test_one", "postgres")


@pytest.mark.once
def test_unknown_vendor_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BGTASKS_REQUIRE", "sqlite, postgres")
    with pytest.raises(ValueError, match="BGTASKS_REQUIRE names 'postgres'"):
        databases.required_vendors()


@pytest.mark.once
def test_shared_url_serves_only_its_own_vendor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BGTASKS_POSTGRESQL_URL", raising=False)
    monkeypatch.delenv("BGTASKS_MARIADB_URL", raising=False)
    monkeypatch.setenv("DATABASE_URL", "postgresql://postgres@db.example/site")
    assert databases.url("postgresql") == "postgresql://postgres@db.example/site"
    assert databases.url("mariadb") == "mysql://root@127.0.0.1:3306/mysql"
    monkeypatch.setenv("DATABASE_URL", "sqlite:///db.sqlite3")
    assert databases.is_embedded("postgresql")


@pytest.mark.once
def test_server_of_another_vendor_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BGTASKS_MYSQL_URL", raising=False)
    monkeypatch.delenv("DATABASE_URL", raising=False)
    with pytest.raises(databases.Unavailable, match="BGTASKS_MYSQL_URL names no"):
        databases.describe("mysql")


@pytest.mark.once
def test_browser_may_be_required_and_is_no_vendor(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BGTASKS_REQUIRE", "sqlite, browser")
    assert databases.is_required("browser")
    assert databases.required_vendors() == ["sqlite"]
    monkeypatch.setenv("BGTASKS_REQUIRE", "sqlite")
    assert not databases.is_required("browser")
