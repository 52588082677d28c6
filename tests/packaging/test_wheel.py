"""What pip installs is whole: a project with nothing else runs a task."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
import zipfile
from email.parser import HeaderParser
from pathlib import Path

import django
import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGE = ROOT / "django_bgtasks"
CORE = django.VERSION >= (6, 0)

pytestmark = [pytest.mark.packaging, pytest.mark.slow, pytest.mark.timeout(400)]

SETTINGS = f"""
SECRET_KEY = "packaging"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = ["django_bgtasks", "shop"]
INSTALLED_APPS += {[] if CORE else ["django_tasks"]!r}
DATABASES = {{
    "default": {{
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": "db.sqlite3",
        "OPTIONS": {{"transaction_mode": "IMMEDIATE"}},
    }}
}}
TASKS = {{"default": {{"BACKEND": "django_bgtasks.backend.DatabaseBackend"}}}}
"""
TASKS = """
from django_bgtasks import task

@task
def total(*prices):
    return sum(prices)
"""
MANAGE = """
import os, sys
from django.core.management import execute_from_command_line

os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
execute_from_command_line(sys.argv)
"""
ENQUEUE = "from shop.tasks import total; print('id', total.enqueue(1, 2, 39).id)"
LOOK = """
from shop.tasks import total
result = total.get_result('{id}')
print('result', result.status, result.return_value)
"""


def run(*command: str | Path, cwd: Path) -> str:
    # Without the variables of this run, whose settings are not the project's.
    environment = {"PATH": "/usr/bin:/bin", **_pip_variables()}
    done = subprocess.run(
        command,
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=180,
    )
    assert done.returncode == 0, f"{command} failed:\n{done.stdout}"
    return done.stdout


def _pip_variables() -> dict[str, str]:
    kept = ("PIP_", "HOME", "LANG", "TMPDIR", "http", "HTTP", "SSL_", "REQUESTS_")
    return {key: value for key, value in os.environ.items() if key.startswith(kept)}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("wheel")
    pip = (sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps")
    run(*pip, "--no-build-isolation", "--wheel-dir", target, ROOT, cwd=target)
    (built,) = target.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment that holds the wheel and what it asks for."""
    home = tmp_path_factory.mktemp("clean")
    run(sys.executable, "-m", "venv", home / "env", cwd=home)
    python = home / "env" / "bin" / "python"
    # On Python 3.11 the backport must come by itself.
    extra = "[django52]" if not CORE and sys.version_info >= (3, 12) else ""
    django_here = f"Django=={django.get_version()}"
    run(
        *(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
        *(f"{wheel}{extra}", django_here),
        cwd=home,
    )
    return python


@pytest.fixture
def project(tmp_path: Path) -> Path:
    app = tmp_path / "shop"
    app.mkdir()
    (app / "__init__.py").touch()
    (app / "tasks.py").write_text(TASKS)
    (tmp_path / "settings.py").write_text(SETTINGS)
    (tmp_path / "manage.py").write_text(MANAGE)
    return tmp_path


def test_wheel_holds_every_file_of_the_package_and_no_other(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    expected = {
        str(path.relative_to(ROOT))
        for path in PACKAGE.rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    assert held == expected
    assert "django_bgtasks/py.typed" in held
    assert "django_bgtasks/migrations/0001_initial.py" in held


def test_wheel_says_what_it_needs(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
        metadata = HeaderParser().parsestr(archive.read(name).decode())
        assert any(n.endswith("/licenses/LICENSE") for n in archive.namelist())
    needed = [n for n in metadata.get_all("Requires-Dist", []) if "extra ==" not in n]
    assert sorted(re.match(r"[\w-]+", need)[0].lower() for need in needed) == [
        "cron-descriptor",
        "croniter",
        "django",
        "django-tasks",
    ]
    assert metadata["License-Expression"] == "BSD-3-Clause"
    assert {"django52", "postgresql", "mysql", "solar", "yaml"} <= set(
        metadata.get_all("Provides-Extra", [])
    )


def test_pytest_finds_the_plugin_that_the_wheel_holds(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        declared = "".join(
            archive.read(name).decode()
            for name in archive.namelist()
            if name.endswith(".dist-info/entry_points.txt")
        )
    announced = "django_bgtasks = django_bgtasks.pytest_plugin" in declared
    assert announced == (PACKAGE / "pytest_plugin.py").exists()


def test_installed_wheel_runs_a_task(python: Path, project: Path) -> None:
    manage = (python, "manage.py")
    run(*manage, "check", "--fail-level", "ERROR", cwd=project)
    run(*manage, "migrate", "--verbosity", "0", cwd=project)
    shell = (*manage, "shell", "--verbosity", "0", "-c")
    output = run(*shell, ENQUEUE, cwd=project)
    job_id = output.split("id ", 1)[1].split()[0]
    run(*manage, "runworker", "--burst", cwd=project)
    look = textwrap.dedent(LOOK.format(id=job_id))
    assert "result SUCCESSFUL 42" in run(*shell, look, cwd=project)


def test_installed_package_is_not_the_one_in_the_checkout(
    python: Path, project: Path
) -> None:
    code = "import django_bgtasks; print(django_bgtasks.__file__)"
    assert "site-packages" in run(python, "-c", code, cwd=project)
