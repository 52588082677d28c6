"""The example is a project that Django is content with."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from .conftest import ROOT, environment, manage

SHOW = """
import json
from django.conf import settings
database = settings.DATABASES["default"]
print(json.dumps({
    "engine": database["ENGINE"].rpartition(".")[2],
    "name": database["NAME"],
    "options": database["OPTIONS"],
    "debug": settings.DEBUG,
}))
"""


def shown(env: dict[str, str]) -> Any:
    return json.loads(manage(env, "shell", "--no-imports", "-c", SHOW))


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    return environment(tmp_path / "data")


def test_django_has_nothing_to_complain_about(env: dict[str, str]) -> None:
    assert "no issues (0 silenced)" in manage(env, "check", "--fail-level", "INFO")


def test_no_migration_is_missing(env: dict[str, str]) -> None:
    output = manage(env, "makemigrations", "--check", "--dry-run")
    assert "No changes detected" in output


def test_database_is_a_file_of_sqlite_unless_named(
    env: dict[str, str], tmp_path: Path
) -> None:
    settings = shown(env)
    assert settings["engine"] == "sqlite3"
    assert settings["name"] == str(tmp_path / "data" / "db.sqlite3")
    assert settings["options"]["transaction_mode"] == "IMMEDIATE"
    assert "journal_mode=WAL" in settings["options"]["init_command"]


@pytest.mark.parametrize(
    ("url", "engine", "options"),
    [
        ("postgresql://u:p@db.example/shop", "postgresql", {}),
        ("postgresql://u@/shop?sslmode=require", "postgresql", {"sslmode": "require"}),
        (
            "mysql://u:p@db.example/shop",
            "mysql",
            {"charset": "utf8mb4", "isolation_level": "read committed"},
        ),
    ],
)
def test_database_is_the_one_that_its_url_names(
    env: dict[str, str], url: str, engine: str, options: dict[str, str]
) -> None:
    if engine == "mysql":
        pytest.importorskip("MySQLdb", reason="the driver mysqlclient is not installed")
    settings = shown({**env, "DATABASE_URL": url})
    assert (settings["engine"], settings["name"]) == (engine, "shop")
    assert settings["options"] == options


def test_site_in_production_needs_a_secret_of_its_own(env: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "manage.py", "check"],
        env={**env, "DEBUG": "off"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode != 0
    assert "SECRET_KEY" in done.stderr
    settings = shown({**env, "DEBUG": "off", "SECRET_KEY": "x" * 50})
    assert settings["debug"] is False


def test_settings_use_nothing_that_django_is_about_to_drop(env: dict[str, str]) -> None:
    code = "import django; django.setup(); from django.core.mail import send_mail; "
    code += "send_mail('a', 'b', None, ['c@example.com'])"
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "default", "-c", code],
        env=env,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stderr
