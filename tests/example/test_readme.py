"""The README's quick start, word for word, in a new project."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import django
import pytest

from .conftest import ROOT

README = (ROOT / "README.md").read_text()
FIRST = """
from django.test import Client
from mysite import urls
from django.urls import path
from shop.views import sign_up
urls.urlpatterns.append(path("sign-up/", sign_up))
print("id", Client().get("/sign-up/", headers={"host": "localhost"}).content.decode())
"""
LAST = """
from shop.tasks import send_welcome_email
result_id = {id!r}
{code}
print("result", result.status, result.attempts, result.return_value)
"""


def block(start: str) -> str:
    """Return the block of Python that begins so."""
    blocks = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    (found,) = (each for each in blocks if each.startswith(start))
    return str(found)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    run(tmp_path, "-m", "django", "startproject", "mysite", ".")
    run(tmp_path, "-m", "django", "startapp", "shop")
    settings = tmp_path / "mysite" / "settings.py"
    code = block("# mysite/settings.py")
    if django.VERSION < (6, 0):
        code += 'INSTALLED_APPS.append("django_tasks")\n'
    if django.VERSION < (6, 1):
        (code_for_mail,) = re.findall(r"`(EMAIL_BACKEND = .*?)`", README, re.DOTALL)
        code += f"{code_for_mail}\n"
    with settings.open("a") as file:
        file.write(code)
    for name in ("shop/tasks.py", "shop/views.py"):
        (tmp_path / name).write_text(block(f"# {name}"))
    return tmp_path


def run(folder: Path, *arguments: str) -> str:
    environment = {
        key: value
        for key, value in os.environ.items()
        if key != "DJANGO_SETTINGS_MODULE" and not key.startswith("BGTASKS_")
    }
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**environment, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=90,
    )
    assert done.returncode == 0, f"{arguments}:\n{done.stdout}"
    return done.stdout


def test_quick_start_works(project: Path) -> None:
    shell = ("manage.py", "shell", "--no-imports", "-c")
    commands = re.findall(r"^\$ python (manage\.py .*)$", README, re.MULTILINE)
    assert commands == ["manage.py migrate", "manage.py runworker"]

    assert "WARNING" not in run(project, "manage.py", "migrate")
    assert "no issues" in run(project, "manage.py", "check", "--database", "default")
    job = run(project, *shell, FIRST).rpartition("id ")[2].strip()
    log = run(project, "manage.py", "runworker", "--burst")
    assert "Hello ada." in log
    code = block("result = send_welcome_email")
    last = run(project, *shell, LAST.format(id=job, code=code))
    assert "result SUCCESSFUL 1 ada@example.com" in last


def test_every_option_of_the_worker_is_one(project: Path) -> None:
    (row,) = re.findall(r"^\| Workers \|.*$", README, re.MULTILINE)
    options = re.findall(r"`(--[\w-]+)`", row)
    assert len(options) > 5
    help_text = run(project, "manage.py", "runworker", "--help")
    for option in options:
        assert option in help_text


def test_every_verb_of_the_operators_is_one(project: Path) -> None:
    (row,) = re.findall(r"^\| Operations \|.*$", README, re.MULTILINE)
    verbs = re.findall(r"`(\w+)`", row)
    assert "status" in verbs
    for verb in verbs:
        assert "usage" in run(project, "manage.py", "bgtasks", verb, "--help")


@pytest.mark.parametrize("target", re.findall(r"\]\(([^)#:]+)\)", README))
def test_link_leads_somewhere(target: str) -> None:
    assert (ROOT / target).exists()
