"""The plugin, in a pytest of its own."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

pytestmark = pytest.mark.once

SETTINGS = """
from django import VERSION
SECRET_KEY = "tests"
USE_TZ = True
INSTALLED_APPS = ["django_bgtasks", "site_app"]
if VERSION < (6, 0):
    INSTALLED_APPS.append("django_tasks")
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
TASKS = {
    "default": {"BACKEND": "django_bgtasks.backend.DatabaseBackend"},
    "dummy": {"BACKEND": "%s.backends.dummy.DummyBackend" % (
        "django.tasks" if VERSION >= (6, 0) else "django_tasks"
    )},
}
"""
TASKS = """
from django_bgtasks import task

@task
def double(number):
    return 2 * number
"""
# Django imports models before the apps are ready, and so what models import.
MODELS = "from . import tasks"
TESTS = """
from site_app.tasks import double

def test_pending(bgtasks):
    double.enqueue(4)
    bgtasks.assert_enqueued(double, args=[4])
    assert [each.return_value for each in bgtasks.run_pending()] == [8]

def test_inline(bgtasks_inline):
    assert double.enqueue(5).return_value == 10
    bgtasks_inline.assert_enqueued(double, count=1)

def test_other_backends_stay(bgtasks_inline, settings):
    assert settings.TASKS["dummy"]["BACKEND"].endswith("DummyBackend")

def test_inline_ends_with_its_test(bgtasks, settings):
    assert settings.TASKS["default"]["BACKEND"].endswith("DatabaseBackend")
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    app = tmp_path / "site_app"
    app.mkdir()
    (tmp_path / "site_settings.py").write_text(SETTINGS)
    (app / "__init__.py").touch()
    (app / "models.py").write_text(MODELS)
    (app / "tasks.py").write_text(TASKS)
    (tmp_path / "test_site.py").write_text(TESTS)
    return tmp_path


def run_pytest(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    root = Path(__file__).resolve().parent.parent.parent
    command = [
        *(sys.executable, "-m", "pytest", "-q", "--rootdir", str(project)),
        *("-p", "no:cacheprovider", "--ds", "site_settings", str(project)),
        *arguments,
    ]
    if not entry_points(group="pytest11", name="django_bgtasks"):
        command += ["-p", "django_bgtasks.pytest_plugin"]
    environment = {"PYTHONPATH": f"{project}:{root}", "PATH": "/usr/bin:/bin"}
    return subprocess.run(
        command, cwd=project, env=environment, capture_output=True, text=True
    )


def test_fixtures_serve_a_project(project: Path) -> None:
    finished = run_pytest(project)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert "4 passed" in finished.stdout


def test_settings_may_name_the_inline_backend(project: Path) -> None:
    path = project / "site_settings.py"
    inline = "django_bgtasks.testing.InlineBackend"
    text = path.read_text()
    path.write_text(text.replace("django_bgtasks.backend.DatabaseBackend", inline))
    finished = run_pytest(project, "-k", "test_inline and not ends")
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert "1 passed" in finished.stdout
